"""The sealer: grows the Merkle tree of a service's log by position, signs its head, and tells the world.

Tiles and the follower's cursor are one transaction. A head is signed about once a second and at least every thousand
events. It is sent to `log.heads`, at least once and outside every log, only when the relay has published every event
under it: who reads a head there knows that those events are in the topic already, so a missing one is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arrears.clock import Clock
from arrears.database import Connection, Database
from arrears.followers import Step, cursor, forever
from arrears.recorded import Recorded
from arrears.settings import Settings
from arrears.tree.heads import TOPIC, SignedHead, TreeHead, sign, to_wire
from arrears.tree.keys import signing_key
from arrears.tree.leaves import leaf_of
from arrears.tree.merkle import Frontier, frontier_keys, frontier_of, grow

if TYPE_CHECKING:
    from arrears.runtime import Runtime

SEALER: Final = "sealer"
_PUBLISHER: Final = "log.heads"
_EVENTS_A_HEAD: Final = 1_000
_HEADS_A_TURN: Final = 100
_PAUSE_SECONDS: Final = 1.0

Send = Callable[[str, bytes, bytes], Awaitable[object]]
"""Send (topic, value, key) to Kafka and return when the broker has it."""


def sealer(settings: Settings, clock: Clock) -> Step:
    """Return the step of the follower named SEALER.

    Raises:
        SigningKeyMissing: production was given no key.
    """
    return Sealer(settings.service, key_of(settings), clock).seal


def head_publisher(bound: Runtime) -> Callable[[], Awaitable[None]]:
    """Return the role that signs and sends heads until cancelled; of several replicas one leads."""
    signer = Sealer(bound.service, key_of(bound.settings), bound.clock)

    async def lead() -> None:
        session = await bound.database.session()
        producer = AIOKafkaProducer(bootstrap_servers=bound.settings.kafka, acks="all", enable_idempotence=True)
        try:
            while not await session.fetchval("SELECT pg_try_advisory_lock(hashtext('es.heads'))"):  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
            await producer.start()
            while True:
                await signer.sign(bound.database)
                if await publish_heads(bound.service, bound.database, producer.send_and_wait) < _HEADS_A_TURN:
                    await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            await producer.stop()
            await session.close()

    return lambda: forever(f"{bound.service}-heads", lead)


def key_of(settings: Settings) -> Ed25519PrivateKey:
    """Return the service's signing key, made at its first start in development only."""
    return signing_key(settings.home, settings.service, create=settings.environment == "development")


class Sealer:
    """Grows and signs the tree of one service."""

    def __init__(self, service: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._service = service
        self._key = key
        self._clock = clock

    async def seal(self, connection: Connection, events: Sequence[Recorded]) -> None:
        """Add the events' leaves to the tree, in the transaction that moves the follower's cursor.

        Raises:
            RuntimeError: the positions are not dense, so the log is not what the tree was grown over.
        """
        before = await load_frontier(connection, events[0].position - 1)
        if events[-1].position - before.size != len(events):
            raise RuntimeError(f"positions {events[0].position} to {events[-1].position} are not dense")
        after, changed = grow(before, [leaf_of(event) for event in events])
        await connection.execute(
            "INSERT INTO es.tile (level, idx, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) "
            "ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes",
            [level for level, _ in changed], [idx for _, idx in changed], list(changed.values()),
        )  # fmt: skip
        if after.size - await _last_signed(connection) >= _EVENTS_A_HEAD:
            await self._sign(connection, after)

    async def sign(self, database: Database) -> bool:
        """Sign the tree if it has grown since the last head, and say whether it had.

        The follower's cursor row is locked, so that size and tiles belong together and nobody signs twice.
        """
        async with database.transaction() as connection:
            size = await cursor(connection, SEALER)
            grown = size > await _last_signed(connection)
            if grown:
                await self._sign(connection, await load_frontier(connection, size))
        return grown

    async def _sign(self, connection: Connection, tree: Frontier) -> None:
        head = TreeHead(self._service, tree.size, tree.root(), self._clock.now())
        await connection.execute(
            "INSERT INTO es.tree_head (size, root, signature, signed_at) VALUES ($1, $2, $3, $4)",
            head.size, head.root, sign(head, self._key).signature, head.at,
        )  # fmt: skip


async def publish_heads(service: str, database: Database, send: Send) -> int:
    """Send the heads that were not sent yet and whose events are published; return how many. A crash sends them again."""
    async with database.transaction() as connection:
        after = await cursor(connection, _PUBLISHER)
        rows = await connection.fetch(
            "SELECT size, root, signature, signed_at FROM es.tree_head WHERE size > $1 "
            "AND size <= (SELECT position FROM es.follower WHERE name = 'relay') ORDER BY size LIMIT $2",
            after, _HEADS_A_TURN,
        )  # fmt: skip
    for row in rows:
        head = TreeHead(service, row["size"], row["root"], row["signed_at"])
        await send(TOPIC, to_wire(SignedHead(head, row["signature"])), service.encode())
    if rows:
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE es.follower SET position = greatest(position, $2) WHERE name = $1", _PUBLISHER, rows[-1]["size"]
            )
    return len(rows)


async def load_frontier(connection: Connection, size: int) -> Frontier:
    """Return the frontier of the stored tree at `size`, which is the sealer's position. Raises MissingTile."""
    keys = frontier_keys(size)
    rows = await connection.fetch(
        "SELECT t.level, t.idx, t.hashes FROM es.tile t "
        "JOIN unnest($1::smallint[], $2::bigint[]) k(level, idx) ON t.level = k.level AND t.idx = k.idx",
        [level for level, _ in keys], [idx for _, idx in keys],
    )  # fmt: skip
    return frontier_of(size, {(row["level"], row["idx"]): row["hashes"] for row in rows})


async def _last_signed(connection: Connection) -> int:
    size: int = await connection.fetchval("SELECT coalesce(max(size), 0) FROM es.tree_head")
    return size
