"""A reader by position never passes an event that appears later, however transactions interleave.

The cases are those which other stores found by losing events: emmett's readMessagesBatch specification (transactions
that begin, write and commit in different orders) and Marten #4964 (a row held invisible by a trigger). Scripts of
several connections; whether somebody waits is read from pg_locks, so nothing here depends on time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.kernel.log.runtimes import until_waiting
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, fees

from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears_local.postgres import PostgresProcess


class Writer:
    """One connection with a transaction of its own."""

    def __init__(self, log: Log, connection: Any) -> None:
        self._log = log
        self._connection = connection
        self._transaction = connection.transaction()

    async def begin(self) -> None:
        """Begin and draw a transaction id, as a write before the append would."""
        await self._transaction.start()
        await self._connection.fetchval("SELECT pg_current_xact_id()")

    async def append(self, loan: str, times: int = 1) -> None:
        work = self._log.store.work(NOON)
        await work.execute(fees(loan), Charge(loan, times=times), CAUSE)
        await self._log.store.append(self._connection, [work])

    async def commit(self) -> None:
        await self._transaction.commit()

    async def roll_back(self) -> None:
        await self._transaction.rollback()

    async def append_and_commit(self, loan: str, times: int = 1) -> None:
        await self.append(loan, times)
        await self.commit()


class Log:
    """A log, a reader that remembers only its last position, and writers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = EventStore("ingest", database, partitions=4, deciders=[FEES])
        self._position = 0

    @asynccontextmanager
    async def writers(self, count: int) -> AsyncIterator[list[Writer]]:
        """Open transactions that began in the order in which they are returned."""
        sessions = [await self.database.session() for _ in range(count)]
        found = [Writer(self, session) for session in sessions]
        for writer in found:
            await writer.begin()
        yield found
        for session in sessions:
            await session.close()

    async def poll(self, limit: int = 10) -> list[str]:
        """Return the loans of the events after the last one read."""
        async with self.database.connection() as connection:
            events = await self.store.read(connection, self._position, limit)
        assert [e.position for e in events] == list(range(self._position + 1, self._position + 1 + len(events)))
        self._position += len(events)
        return [event.stream_key.removeprefix("fees/") for event in events]


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


async def test_events_are_read_in_the_order_of_commits_whichever_transaction_began_first(log: Log) -> None:
    async with log.writers(2) as (first, second):
        await second.append_and_commit("b")
        await first.append_and_commit("a")
    assert await log.poll() == ["b", "a"]


async def test_a_commit_is_read_at_once_though_an_older_transaction_is_open(log: Log) -> None:
    async with log.writers(2) as (slow, fast):
        await fast.append_and_commit("fast")
        assert await log.poll() == ["fast"]
        await slow.append_and_commit("slow")
    assert await log.poll() == ["slow"]


async def test_an_event_of_a_slow_transaction_that_wrote_first_is_not_skipped(log: Log) -> None:
    async with log.writers(2) as (fast, slow):
        await slow.append("slow")
        racing = asyncio.create_task(fast.append_and_commit("fast"))
        await until_waiting(log.database, 1)
        assert await log.poll() == []
        await slow.commit()
        await racing
    assert await log.poll() == ["slow", "fast"]


async def test_no_event_of_a_slow_transaction_with_several_is_skipped(log: Log) -> None:
    async with log.writers(2) as (fast, slow):
        await slow.append("slow", times=2)
        racing = asyncio.create_task(fast.append_and_commit("fast"))
        await until_waiting(log.database, 1)
        assert await log.poll() == []
        await slow.commit()
        await racing
    assert await log.poll() == ["slow", "slow", "fast"]


async def test_events_of_several_slow_transactions_are_not_skipped(log: Log) -> None:
    async with log.writers(3) as (fast, slow, slower):
        await slower.append("slower")
        second = asyncio.create_task(slow.append_and_commit("slow"))
        await until_waiting(log.database, 1)
        third = asyncio.create_task(fast.append_and_commit("fast"))
        await until_waiting(log.database, 2)
        assert await log.poll() == []
        await slower.commit()
        await asyncio.gather(second, third)
    found = await log.poll()
    assert found[0] == "slower"
    assert sorted(found) == ["fast", "slow", "slower"]


async def test_a_rolled_back_transaction_leaves_no_gap(log: Log) -> None:
    async with log.writers(2) as (first, second):
        await first.append("lost")
        racing = asyncio.create_task(second.append_and_commit("kept"))
        await until_waiting(log.database, 1)
        await first.roll_back()
        await racing
    assert await log.poll() == ["kept"]


async def test_the_events_of_one_transaction_come_together_and_are_not_repeated(log: Log) -> None:
    async with log.writers(1) as (only,):
        await only.append_and_commit("a", times=3)
    assert await log.poll() == ["a", "a", "a"]
    assert await log.poll() == []


async def test_a_page_that_ends_inside_a_transaction_goes_on_there(log: Log) -> None:
    async with log.writers(2) as (first, second):
        await first.append_and_commit("a", times=3)
        assert await log.poll(limit=2) == ["a", "a"]
        await second.append_and_commit("b")
    assert await log.poll(limit=2) == ["a", "b"]


async def test_a_writing_transaction_left_open_elsewhere_hides_nothing(log: Log, postgres: PostgresProcess) -> None:
    elsewhere = await asyncpg.connect(postgres.url("postgres"))
    try:
        async with elsewhere.transaction(), log.writers(1) as (writer,):
            await elsewhere.fetchval("SELECT pg_current_xact_id()")
            await writer.append_and_commit("a")
            assert await log.poll() == ["a"]
    finally:
        await elsewhere.close()


async def test_a_row_held_back_by_a_trigger_is_not_passed(log: Log, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_advisory_xact_lock_shared(4964); RETURN NEW; END $$;"
            "CREATE TRIGGER hold BEFORE INSERT ON es.event FOR EACH ROW WHEN (NEW.position = 2) EXECUTE FUNCTION hold()"
        )
    gate = await database.session()
    await gate.execute("SELECT pg_advisory_lock(4964)")
    async with log.writers(3) as (before, held, after):
        await before.append_and_commit("before")
        one = asyncio.create_task(held.append_and_commit("held", times=2))
        await until_waiting(log.database, 1)
        two = asyncio.create_task(after.append_and_commit("after"))
        await until_waiting(log.database, 2)
        assert await log.poll() == ["before"]
        await gate.execute("SELECT pg_advisory_unlock(4964)")
        await asyncio.gather(one, two)
    await gate.close()
    assert await log.poll() == ["held", "held", "after"]


async def test_a_tailing_reader_meets_every_event_of_writers_side_by_side(log: Log) -> None:
    async def write(name: str) -> None:
        for _ in range(25):
            async with log.writers(1) as (writer,):
                await writer.append_and_commit(name, times=3)

    writing = asyncio.gather(*(write(f"loan-{i}") for i in range(4)))
    found: list[str] = []
    while not writing.done() or len(found) < 300:
        found += await log.poll(limit=7)
    await writing
    assert {name: found.count(name) for name in set(found)} == {f"loan-{i}": 75 for i in range(4)}
