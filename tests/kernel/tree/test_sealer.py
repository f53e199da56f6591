"""The sealer on a real log: the tree it stores is the tree over the log's leaves, whatever pages it saw."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.followers import Follower
from arrears.signal import Signal
from arrears.tree.heads import SignedHead, from_wire, is_genuine
from arrears.tree.keys import signing_key
from arrears.tree.leaves import leaf_of
from arrears.tree.merkle import root_of
from arrears.tree.sealer import SEALER, Sealer, publish_heads


class Log:
    """A log of fees with its sealer."""

    def __init__(self, database: Database, home: Path) -> None:
        self.store = EventStore("ingest", database, partitions=4, deciders=[FEES])
        self.key = signing_key(home, "ingest", create=True)
        self.sealer = Sealer("ingest", self.key, SystemClock())
        self.follower = Follower(self.store, SEALER, self.sealer.seal, Signal(), 1.0)

    async def charge(self, times: int) -> None:
        work = self.store.work(NOON)
        for start in range(0, times, 100):
            await work.execute(fees(f"loan-{start % 7}"), Charge("l", times=min(100, times - start)), CAUSE)
        async with self.store.database.transaction() as connection:
            await self.store.append(connection, [work])

    async def heads(self) -> list[SignedHead]:
        sent: list[tuple[str, bytes, bytes]] = []

        async def send(topic: str, value: bytes, key: bytes) -> None:
            sent.append((topic, value, key))

        await publish_heads("ingest", self.store.database, send)
        assert {(topic, key) for topic, _, key in sent} <= {("log.heads", b"ingest")}
        return [from_wire(value) for _, value, _ in sent]

    async def root(self, size: int) -> bytes:
        async with self.store.database.connection() as connection:
            return root_of([leaf_of(event) for event in await self.store.read(connection, 0, size)])

    async def relayed(self, position: int) -> None:
        async with self.store.database.connection() as connection:
            await connection.execute(
                "INSERT INTO es.follower VALUES ('relay', $1) ON CONFLICT (name) DO UPDATE SET position = $1", position
            )


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Log:
    return Log(database, tmp_path)


async def test_the_signed_root_is_the_root_over_the_logs_leaves(log: Log) -> None:
    for times in (3, 1, 250, 40):
        await log.charge(times)
        await log.follower.advance()
        assert await log.sealer.sign(log.store.database)
    await log.relayed(294)
    heads = await log.heads()
    assert [head.head.size for head in heads] == [3, 4, 254, 294]
    for head in heads:
        assert head.head.root == await log.root(head.head.size)
        assert is_genuine(head, log.key.public_key())


async def test_a_thousand_events_are_signed_without_waiting(log: Log) -> None:
    await log.charge(1_200)
    await log.follower.advance()
    await log.relayed(1_200)
    assert [head.head.size for head in await log.heads()] == [1_200]


async def test_a_tree_that_did_not_grow_is_not_signed(log: Log) -> None:
    assert not await log.sealer.sign(log.store.database)
    await log.charge(2)
    assert not await log.sealer.sign(log.store.database), "the sealer has not been there yet"
    await log.follower.advance()
    assert await log.sealer.sign(log.store.database)
    assert not await log.sealer.sign(log.store.database)


async def test_a_head_waits_until_its_events_are_published_and_is_sent_once(log: Log) -> None:
    await log.charge(5)
    await log.follower.advance()
    await log.sealer.sign(log.store.database)
    await log.relayed(4)
    assert await log.heads() == []
    await log.relayed(5)
    assert len(await log.heads()) == 1
    assert await log.heads() == []


async def test_a_cursor_that_is_not_the_trees_is_refused(log: Log) -> None:
    await log.charge(3)
    async with log.store.database.connection() as connection:
        events = await log.store.read(connection, 0, 10)
    with pytest.raises(RuntimeError, match="not dense"):
        async with log.store.database.transaction() as connection:
            await log.sealer.seal(connection, [events[0], events[2]])
