"""Appending: all or nothing, dense, once a version, once an idempotency key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, Fees, FeeTooHigh, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.commands import Commands, Handler, IdempotencyKey
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.refusals import IdempotencyKeyReused
from arrears.signal import Signal


@pytest.fixture
def store(database: Database) -> EventStore:
    return EventStore("ingest", database, partitions=24, deciders=[FEES])


@pytest.fixture
async def commands(store: EventStore) -> AsyncIterator[Commands]:
    running = Commands(store, SystemClock(), Signal())
    yield running
    await running.close()


def charge(loan: str, amount: int = 100, times: int = 1) -> Handler:
    async def handler(work: Work) -> dict[str, int]:
        await work.execute(fees(loan), Charge(loan, amount, times), CAUSE)
        return {"count": (await work.state(fees(loan))).count}

    return handler


async def positions(database: Database) -> list[int]:
    async with database.connection() as connection:
        return [r["position"] for r in await connection.fetch("SELECT position FROM es.event ORDER BY position")]


async def test_positions_are_dense_whatever_fails_between(store: EventStore, database: Database) -> None:
    for loan in ("a", "b", "c"):
        work = store.work(NOON)
        await work.execute(fees(loan), Charge(loan, times=3), CAUSE)
        async with database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await store.append(connection, [work])
            await (transaction.rollback() if loan == "b" else transaction.commit())
    assert await positions(database) == [1, 2, 3, 4, 5, 6]


async def test_two_appends_that_expect_one_version_cannot_both_succeed(store: EventStore, database: Database) -> None:
    first, second = store.work(NOON), store.work(NOON)
    for work in (first, second):
        await work.execute(fees("a"), Charge("a"), CAUSE)
    async with database.connection() as connection:
        await store.append(connection, [first])
        with pytest.raises(StreamVersionConflict):
            await store.append(connection, [second])
    assert await positions(database) == [1]


async def test_a_conflict_on_an_existing_stream_voids_the_whole_call(store: EventStore, database: Database) -> None:
    async with database.connection() as connection:
        work = store.work(NOON)
        await work.execute(fees("a"), Charge("a"), CAUSE)
        await store.append(connection, [work])
        stale = store.work(NOON)
        await stale.execute(fees("a"), Charge("a"), CAUSE)
        other = store.work(NOON)
        await other.execute(fees("a"), Charge("a"), CAUSE)
        await store.append(connection, [other])
        await stale.execute(fees("new"), Charge("new"), CAUSE)
        with pytest.raises(StreamVersionConflict):
            await store.append(connection, [stale])
        assert await connection.fetchval("SELECT count(*) FROM es.stream") == 1
    assert await positions(database) == [1, 2]


async def test_commands_side_by_side_lose_nothing(commands: Commands, database: Database) -> None:
    answers = await asyncio.gather(*(commands.run(charge(f"loan-{i % 7}")) for i in range(35)))
    ids = [event_id for answer in answers for event_id in answer.event_ids]
    assert sorted(int(i.split("/")[1]) for i in ids) == list(range(1, 36)) == await positions(database)


async def test_the_state_beside_a_stream_is_the_fold_of_its_events(commands: Commands, store: EventStore) -> None:
    for amount in (100, 250, 50):
        await commands.run(charge("a", amount))
    assert await store.work(NOON).state(fees("a")) == Fees(count=3, sum_minor=400)


async def test_a_state_of_older_code_is_folded_anew(commands: Commands, store: EventStore, database: Database) -> None:
    await commands.run(charge("a", 300, times=2))
    async with database.connection() as connection:
        await connection.execute("UPDATE es.stream SET state_version = 0, state = 'not of this code'")
    assert await store.work(NOON).state(fees("a")) == Fees(count=2, sum_minor=600)


async def test_an_idempotency_key_is_answered_once(commands: Commands, database: Database) -> None:
    key = IdempotencyKey.of("alice", "k1", b"body")
    first = await commands.run(charge("a"), key)
    again = await commands.run(charge("a"), key)
    assert (again.response, again.event_ids, again.replayed) == (first.response, first.event_ids, True)
    assert await positions(database) == [1]


async def test_one_key_raced_by_many_callers_has_one_effect(commands: Commands, database: Database) -> None:
    key = IdempotencyKey.of("alice", "k1", b"body")
    answers = await asyncio.gather(*(commands.run(charge("a"), key) for _ in range(8)))
    assert {answer.event_ids for answer in answers} == {("ingest/1",)}
    assert await positions(database) == [1]


async def test_a_key_with_another_request_is_refused(commands: Commands) -> None:
    await commands.run(charge("a"), IdempotencyKey.of("alice", "k1", b"body"))
    with pytest.raises(IdempotencyKeyReused):
        await commands.run(charge("a"), IdempotencyKey.of("alice", "k1", b"other"))
    await commands.run(charge("a"), IdempotencyKey.of("bob", "k1", b"other"))


async def test_a_refusal_appends_nothing_and_leaves_the_key_free(commands: Commands, database: Database) -> None:
    key = IdempotencyKey.of("alice", "k1", b"body")
    with pytest.raises(FeeTooHigh):
        await commands.run(charge("a", 2_000_000), key)
    assert await positions(database) == []
    await commands.run(charge("a"), key)


@pytest.mark.parametrize("verb", ["UPDATE es.event SET type = 'x'", "DELETE FROM es.event", "TRUNCATE es.event"])
async def test_the_past_cannot_be_changed(commands: Commands, database: Database, verb: str) -> None:
    await commands.run(charge("a"))
    async with database.connection() as connection:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(verb)


async def test_undo_drops_what_one_record_did_and_keeps_the_others(store: EventStore) -> None:
    work = store.work(NOON)
    await work.execute(fees("a"), Charge("a", 100), CAUSE)
    work.mark()
    await work.execute(fees("a"), Charge("a", 100), CAUSE)
    await work.execute(fees("b"), Charge("b", 100), CAUSE)
    work.undo()
    assert [e.stream_key for e in work.pending] == ["fees/a"]
    assert (await work.state(fees("a"))).count == 1
    assert (await work.state(fees("b"))).count == 0
