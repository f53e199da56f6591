"""Waking streams at an instant: once, however many replicas look, and not before the clock says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from tests.kernel.log.delivery import running
from tests.kernel.log.runtimes import until, until_waiting
from tests.kernel.log.sleepers import SLEEPERS, Sleep, sleeper, wake_up
from tests.kernel.log.toy import CAUSE

from arrears.clock import Clock, SystemClock
from arrears.database import Database
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.kafka.inbox import Inbox
from arrears.signal import Signal
from arrears.timers import Timers
from arrears.wakes import InstantRule, Wake, wake_instants

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class HandClock:
    """A clock that the test sets."""

    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    async def wait_until(self, instant: datetime) -> None:
        raise AssertionError(f"nobody waits for {instant} here")

    async def changed(self) -> None:
        await asyncio.Event().wait()


class Permits:
    """A log with streams that wait for instants, and replicas of the role `timers`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.store = EventStore("outreach", database, partitions=4, deciders=[SLEEPERS])
        self.appended = Signal()

    def replica(self, rule: InstantRule | None = None) -> Timers:
        inbox = Inbox("outreach", self.store, (), (), ())
        return Timers(self.store, inbox, [rule or InstantRule(SLEEPERS, wake_up)], self.clock, self.appended)

    async def sleeps(self, loan: str, until: datetime) -> None:
        work = self.store.work(self.clock.now())
        await work.execute(sleeper(loan), Sleep(loan, until), CAUSE)
        async with self.database.transaction() as connection:
            await self.store.append(connection, [work])
        self.appended.notify()

    async def woken(self, loan: str) -> int:
        return len((await self.store.work(NOON).state(sleeper(loan))).woken)


@pytest.fixture
def permits(database: Database) -> Permits:
    return Permits(database, HandClock(NOON))


WOKEN = """SELECT count(*) FROM es.event e WHERE convert_from(e.data, 'UTF8') LIKE '%"woken"%'"""


async def test_nothing_fires_before_its_instant_and_everything_at_it(permits: Permits) -> None:
    await permits.sleeps("loan", NOON + timedelta(seconds=60))
    timers = permits.replica()
    assert await timers.fire(NOON + timedelta(seconds=59.999999)) == 0
    assert await timers.fire(NOON + timedelta(seconds=60)) == 1
    assert await timers.fire(NOON + timedelta(seconds=61)) == 0
    assert await permits.woken("loan") == 1


async def test_two_replicas_that_fire_at_one_moment_wake_each_stream_once(permits: Permits) -> None:
    for i in range(5):
        await permits.sleeps(f"loan-{i}", NOON)
    lock = await permits.database.session()
    async with lock.transaction():
        await lock.execute("SELECT pg_advisory_xact_lock('es.event'::regclass::oid::bigint)")  # the log is busy
        firing = [asyncio.create_task(permits.replica().fire(NOON)) for _ in range(2)]
        await until_waiting(permits.database, 2)  # both have found all five due, and decided
    await lock.close()
    ends = await asyncio.gather(*firing, return_exceptions=True)
    assert sorted(str(type(end)) for end in ends) == sorted([str(int), str(StreamVersionConflict)])
    assert [await permits.woken(f"loan-{i}") for i in range(5)] == [1] * 5


async def test_replicas_that_run_side_by_side_wake_each_stream_once(database: Database) -> None:
    permits = Permits(database, SystemClock())
    soon = permits.clock.now() + timedelta(milliseconds=300)
    async with running(*(permits.replica().run() for _ in range(3))):
        for i in range(20):
            await permits.sleeps(f"loan-{i}", soon)
        async with database.connection() as connection:
            await until(connection, WOKEN, 20, permits.appended)
    assert [await permits.woken(f"loan-{i}") for i in range(20)] == [1] * 20
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT min(occurred_at) FROM es.event WHERE version = 2") >= soon


async def test_a_parked_debtors_instant_waits_for_the_redrive(permits: Permits) -> None:
    await permits.sleeps("held", NOON)
    async with permits.database.connection() as connection:
        await connection.execute(
            'INSERT INTO es.parked (consumer, topic, part, "offset", key, debtor_id, headers, reason, error, record_at) '
            "VALUES ('outreach', 'ingest.events', 0, 1, 'd', 'debtor-of-held', '[]', 'invalid', '', now())"
        )
        assert await permits.replica().fire(NOON) == 0
        await connection.execute("DELETE FROM es.parked")
    assert await permits.replica().fire(NOON) == 1


async def test_a_rule_that_fails_is_reported_once_and_the_others_go_on(permits: Permits) -> None:
    async def fails_for_one(wake: Wake, work: Work) -> None:
        if wake.ref_id == "loan-1":
            raise ZeroDivisionError("a broken rule")
        await wake_up(wake, work)

    for i in range(3):
        await permits.sleeps(f"loan-{i}", NOON)
    timers = permits.replica(InstantRule(SLEEPERS, fails_for_one))
    with capture_logs() as lines:
        assert [await timers.fire(NOON), await timers.fire(NOON)] == [3, 0]
    assert [(line["event"], line["stream"]) for line in lines] == [("wake failed", "sleepers/loan-1")]
    assert [await permits.woken(f"loan-{i}") for i in range(3)] == [1, 0, 1]


async def test_what_happens_at_an_instant_is_recorded_with_the_clocks_time(permits: Permits) -> None:
    await permits.sleeps("loan", NOON)
    await permits.replica().fire(NOON + timedelta(hours=1))
    async with permits.database.connection() as connection:
        at = await connection.fetchval("SELECT occurred_at FROM es.event WHERE version = 2")
    assert at == NOON + timedelta(hours=1)


async def test_a_stream_that_was_woken_between_the_look_and_the_load_is_not_woken_again(permits: Permits) -> None:
    await permits.sleeps("loan", NOON)
    async with permits.database.connection() as connection:
        work = permits.store.work(NOON, connection)
        load = work.fetch

        async def after_another_replica(keys: list[str]) -> object:
            assert await permits.replica().fire(NOON) == 1
            return await load(keys)

        work.fetch = after_another_replica
        assert await wake_instants(connection, work, [InstantRule(SLEEPERS, wake_up)], NOON, set()) == 1
        assert work.pending == []
    assert await permits.woken("loan") == 1
