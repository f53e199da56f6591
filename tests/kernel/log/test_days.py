"""A closed day is a barrier in its partition: what stands before it comes first, its effects precede what follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from tests.kernel.log.delivery import make_topic, running
from tests.kernel.log.runtimes import database_beside, until
from tests.kernel.log.sleepers import DAYS, SLEEPERS, CloseDay, day, sleep_until_charged, sleeper, wake_up
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.events.ingest import BusinessDayClosed, FeeCharged
from arrears.events.registry import encode
from arrears.eventstore.store import EventStore
from arrears.kafka.consumer import Consumer
from arrears.kafka.inbox import Inbox
from arrears.kafka.relay import Relay
from arrears.kafka.sources import Subscription, own_topic
from arrears.signal import Signal
from arrears.wakes import DayRule
from arrears_local.kafka import KafkaProcess
from arrears_local.postgres import PostgresProcess

MONDAY = date(2026, 3, 2)  # the toy charges every fee on this day
TUESDAY = MONDAY + timedelta(days=1)
LOANS = [f"loan-{i}" for i in range(8)]
PARTITIONS = 3


@dataclass
class Town:
    """A publisher of fees and closed days, and a subscriber that waits for the close of each fee's day."""

    publisher: EventStore
    subscriber: EventStore
    bootstrap: str
    topic: str
    appended: Signal = field(default_factory=Signal)
    heard: Signal = field(default_factory=Signal)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        source = replace(own_topic("ingest"), topic=self.topic)
        subscription = Subscription(FeeCharged, sleep_until_charged, _touches)
        self.inbox = Inbox(f"outreach-{self.topic}", self.subscriber, [source], [subscription], [])

    def relay(self) -> Relay:
        return Relay(self.publisher, self.bootstrap, SystemClock(), self.appended, 0.05, topic=self.topic)

    def consumer(self, owner: str = "one", batch: int = 4_000) -> Consumer:
        rules = [DayRule(SLEEPERS, wake_up)]
        return Consumer(self.inbox, rules, SystemClock(), self.heard, self.bootstrap, owner, batch=batch)

    async def publish(self, *happenings: str | date) -> None:
        """Append fees (by loan) and closed days (in every partition), in order, in one transaction."""
        work = self.publisher.work(NOON)
        for one in happenings:
            if isinstance(one, str):
                await work.execute(fees(one), Charge(one), CAUSE)
            else:
                for partition in range(PARTITIONS):
                    await work.execute(day(partition), CloseDay(one, partition), CAUSE)
        async with self.publisher.database.transaction() as connection:
            await self.publisher.append(connection, [work])
        self.appended.notify()

    async def until_applied(self) -> None:
        """Wait until the subscriber has seen every version of every stream that the publisher holds."""
        async with self.publisher.database.connection() as connection:
            head = await connection.fetchval("SELECT count(*) FROM es.event")
        async with self.subscriber.database.connection() as connection:
            await until(connection, "SELECT coalesce(sum(version), 0) FROM es.seen_version", head, self.heard)

    async def lives(self) -> dict[str, list[str]]:
        """Return what each loan's stream of the subscriber holds: `sleeps`, or the day on which it was woken."""
        async with self.subscriber.database.connection() as connection:
            events = await self.subscriber.read(connection, 0, 10_000)
        found: dict[str, list[str]] = {}
        for event in events:
            data: Any = event.data
            told = "sleeps" if data.case_id == "sleeps" else f"{data.on}"
            found.setdefault(data.loan_id, []).append(told)
        return found


def _touches(event: Any) -> Iterable[Any]:
    return (sleeper(event.data.loan_id, event.debtor_id),)


def of_every_loan(*life: str) -> dict[str, list[str]]:
    return {loan: list(life) for loan in LOANS}


@pytest.fixture
async def town(
    database: Database, postgres: PostgresProcess, kafka: KafkaProcess, unique: Callable[[str], str]
) -> AsyncIterator[Town]:
    topic = await make_topic(kafka.bootstrap, unique("ingest.events"), PARTITIONS)
    async with database_beside(postgres.url("postgres"), unique("sub").replace(".", "_")) as url:
        subscriber = Database(url)
        publisher = EventStore("ingest", database, partitions=PARTITIONS, deciders=[FEES, DAYS])
        store = EventStore("outreach", subscriber, partitions=PARTITIONS, deciders=[SLEEPERS])
        yield Town(publisher, store, kafka.bootstrap, topic)
        await subscriber.close()


@pytest.mark.parametrize("batch", [4_000, 2], ids=["all in one batch", "two records a batch"])
async def test_a_day_comes_after_what_stands_before_it_and_before_what_follows(town: Town, batch: int) -> None:
    await town.publish(*LOANS, MONDAY, *LOANS, TUESDAY, *LOANS)
    async with running(town.relay().run(), town.consumer(batch=batch).run()):
        await town.until_applied()
    assert await town.lives() == of_every_loan("sleeps", "2026-03-02", "sleeps", "2026-03-03", "sleeps")


async def test_days_in_a_row_wake_a_stream_at_the_first_of_them(town: Town) -> None:
    await town.publish(*LOANS, MONDAY, TUESDAY, TUESDAY + timedelta(days=1))
    async with running(town.relay().run(), town.consumer().run()):
        await town.until_applied()
    assert await town.lives() == of_every_loan("sleeps", "2026-03-02")


async def test_a_day_that_is_sent_twice_changes_nothing(town: Town) -> None:
    await town.publish(*LOANS, MONDAY)
    for times in (1, 2):  # a relay that lost its cursor sends everything again
        async with running(town.relay().run(), town.consumer().run()):
            await town.until_applied()
            async with town.subscriber.database.connection() as connection:
                taken = f"SELECT sum(next_offset) >= {times * (len(LOANS) + PARTITIONS)} FROM es.consumer_offset"
                await until(connection, taken, True, town.heard)
        async with town.publisher.database.connection() as connection:
            await connection.execute("UPDATE es.follower SET position = 0")
    await town.publish(TUESDAY)
    async with running(town.relay().run(), town.consumer().run()):
        await town.until_applied()
    assert await town.lives() == of_every_loan("sleeps", "2026-03-02")


async def test_replicas_that_come_and_go_wake_each_stream_once_a_day(town: Town) -> None:
    async with running(town.relay().run(), town.consumer("first").run()):
        await town.publish(*LOANS, MONDAY)
        async with running(town.consumer("second").run()):
            await town.publish(*LOANS, TUESDAY)
            await town.until_applied()
        await town.publish(*LOANS, TUESDAY + timedelta(days=1))
        await town.until_applied()
    assert await town.lives() == of_every_loan("sleeps", "2026-03-02", "sleeps", "2026-03-03", "sleeps", "2026-03-04")


async def test_a_partition_lost_at_a_days_close_does_not_take_the_day_from_the_others(town: Town) -> None:
    async with running(town.relay().run(), town.consumer().run()):
        await town.publish(*LOANS)
        await town.until_applied()
        async with town.subscriber.database.connection() as connection:
            await connection.fetch(
                "SELECT es.claim($1, $2::text[], '{1}', 'somebody else')", town.inbox.consumer, [town.topic]
            )
        await town.publish(MONDAY)
        await town.until_applied()
    assert await town.lives() == of_every_loan("sleeps", "2026-03-02")


async def test_a_day_that_cannot_be_read_is_parked_and_wakes_nobody(town: Town) -> None:
    async with running(town.relay().run(), town.consumer().run()):
        await town.publish(*LOANS)
        await town.until_applied()
        async with AIOKafkaProducer(bootstrap_servers=town.bootstrap) as producer:  # a broken publisher
            value = b'{"business_date":"2026-02-30","calendar_id":"CN","partition":0}'
            headers = [("ce_type", b"arrears.ingest.BusinessDayClosed.v1"), ("ce_id", b"ingest/999")]
            await producer.send_and_wait(town.topic, value, key=b"business-day/CN/0", headers=headers, partition=0)
        async with town.subscriber.database.connection() as connection:
            await until(connection, "SELECT min(reason) FROM es.parked", "invalid", town.heard)
    assert await town.lives() == of_every_loan("sleeps")


def test_a_days_event_holds_its_partition_last_so_that_one_day_of_many_partitions_is_one_group() -> None:
    closed = BusinessDayClosed(business_date=MONDAY, calendar_id="CN", partition=0)
    assert encode(closed).endswith(b',"partition":0}')
