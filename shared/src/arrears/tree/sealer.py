"""The sealer: grows the Merkle tree of a service's log by position, signs its head, and tells the world.

Each step is safe to repeat. `seal` is a follower's step: tiles and cursor are one transaction. `HeadSigner` signs the
tree when it grew since the last head and sends each head to `log.heads`, at least once and outside every log: a witness
that stores them can later show that a publisher changed its past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arrears.clock import Clock
from arrears.database import Connection, Database
from arrears.followers import cursor, forever
from arrears.recorded import Recorded
from arrears.tree.heads import TOPIC, SignedHead, TreeHead, sign, to_wire
from arrears.tree.leaves import leaf_of
from arrears.tree.merkle import Frontier, frontier_keys, frontier_of, grow

SEALER: Final = "sealer"
_PUBLISHER: Final = "log.heads"
_HEADS_A_TURN: Final = 100

Send = Callable[[str, bytes, bytes], Awaitable[None]]
"""Send (topic, key, value) to Kafka and return when the broker has it."""


async def seal(connection: Connection, events: Sequence[Recorded]) -> None:
    """Add the events' leaves to the tree; a step for Follower(store, SEALER, seal, …).

    Raises:
        RuntimeError: the events do not follow the tree, which means that another follower's cursor was used.
    """
    frontier = await load_frontier(connection, events[0].position - 1)
    if events[-1].position - frontier.size != len(events):
        raise RuntimeError(f"positions {events[0].position} to {events[-1].position} are not dense")
    _, changed = grow(frontier, [leaf_of(event) for event in events])
    await connection.execute(
        "INSERT INTO es.tile (level, idx, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) "
        "ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes",
        [level for level, _ in changed], [idx for _, idx in changed], list(changed.values()),
    )  # fmt: skip


async def load_frontier(connection: Connection, size: int) -> Frontier:
    """Return the frontier of the stored tree at `size`, which is the sealer's position. Raises MissingTile."""
    keys = frontier_keys(size)
    rows = await connection.fetch(
        "SELECT t.level, t.idx, t.hashes FROM es.tile t "
        "JOIN unnest($1::smallint[], $2::bigint[]) k(level, idx) ON t.level = k.level AND t.idx = k.idx",
        [level for level, _ in keys], [idx for _, idx in keys],
    )  # fmt: skip
    return frontier_of(size, {(row["level"], row["idx"]): row["hashes"] for row in rows})


class HeadSigner:
    """Signs and publishes one service's tree heads."""

    def __init__(
        self, service: str, database: Database, key: Ed25519PrivateKey, clock: Clock, send: Send, *, pause: float = 1.0
    ) -> None:
        self._service = service
        self._database = database
        self._key = key
        self._clock = clock
        self._send = send
        self._pause = pause

    async def sign(self) -> SignedHead | None:
        """Sign the tree as it is, or return None when it has not grown since the last head.

        The sealer's cursor row is locked, so the size and the tiles belong together and replicas take turns.
        """
        async with self._database.transaction() as connection:
            size = await cursor(connection, SEALER)
            last: int = await connection.fetchval("SELECT coalesce(max(size), 0) FROM es.tree_head")
            if size <= last:
                return None
            root = (await load_frontier(connection, size)).root()
            signed = sign(TreeHead(self._service, size, root, self._clock.now()), self._key)
            await connection.execute(
                "INSERT INTO es.tree_head (size, root, signature, signed_at) VALUES ($1, $2, $3, $4)",
                size, root, signed.signature, signed.head.at,
            )  # fmt: skip
            return signed

    async def publish(self) -> int:
        """Send the heads that were not sent yet, oldest first, and return how many; a crash sends them again."""
        async with self._database.transaction() as connection:
            after = await cursor(connection, _PUBLISHER)
            rows = await connection.fetch(
                "SELECT size, root, signature, signed_at FROM es.tree_head WHERE size > $1 ORDER BY size LIMIT $2",
                after, _HEADS_A_TURN,
            )  # fmt: skip
        for row in rows:
            head = TreeHead(self._service, row["size"], row["root"], row["signed_at"])
            await self._send(TOPIC, self._service.encode(), to_wire(SignedHead(head, row["signature"])))
        if rows:
            async with self._database.connection() as connection:
                await connection.execute(
                    "UPDATE es.follower SET position = greatest(position, $2) WHERE name = $1",
                    _PUBLISHER, rows[-1]["size"],
                )  # fmt: skip
        return len(rows)

    async def run(self) -> None:
        """Sign and publish about once a second until cancelled."""
        await forever("tree-heads", self._turn)

    async def _turn(self) -> None:
        await self.sign()
        if await self.publish() < _HEADS_A_TURN:
            await asyncio.sleep(self._pause)
