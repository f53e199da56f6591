"""A publisher, its relay, and a subscriber with a decision and a read model of its own, on real parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.kernel.log.toy import FEES

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.decider import Decider, StreamRef
from arrears.events.ingest import FeeCharged
from arrears.events.outreach import LoanJoinedCase
from arrears.events.registry import Event
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause, Work
from arrears.kafka.consumer import Consumer
from arrears.kafka.inbox import Inbox
from arrears.kafka.relay import Relay
from arrears.kafka.sources import Source, Subscription, own_topic
from arrears.parked import parked
from arrears.projections import Projection, Write, ensure_live
from arrears.recorded import Actor, Recorded
from arrears.refusals import Refusal
from arrears.signal import Signal, wait

PARTITIONS = 4
SYSTEM = Actor(kind="system", id="test")


class Repugnant(Refusal):
    """What the toy subscriber refuses: a fee of 666."""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The fees that the subscriber has heard of, in order."""

    fee_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hear:
    """Hear of a fee."""

    loan_id: str
    fee_id: str


def _decide(command: Hear, _state: Joined) -> tuple[Event, ...]:
    return (LoanJoinedCase(case_id=command.fee_id, loan_id=command.loan_id, on=date(2026, 3, 2)),)


def _evolve(state: Joined, event: Event) -> Joined:
    assert isinstance(event, LoanJoinedCase)
    return Joined(fee_ids=(*state.fee_ids, event.case_id))


HEARD = Decider("heard", Joined(), _decide, _evolve, Joined)


def heard(loan: str, debtor: str) -> StreamRef[Hear, Joined]:
    return StreamRef(HEARD, loan, debtor)


async def hear(event: Recorded, work: Work) -> None:
    assert isinstance(event.data, FeeCharged)
    if event.data.amount_minor == REFUSED["amount"]:
        raise Repugnant("not this one")
    await work.execute(
        heard(event.data.loan_id, event.debtor_id), Hear(event.data.loan_id, event.data.fee_id), Cause.of(event, SYSTEM)
    )


REFUSED = {"amount": 666}

SUMS = Projection(
    name="sums",
    version=1,
    follows=frozenset({"ingest"}),
    columns="loan_id text PRIMARY KEY, fees int NOT NULL, sum_minor bigint NOT NULL",
    order_by="loan_id",
    writes=(
        Write(
            lambda events: _sums(events),
            "INSERT INTO {table} AS t SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) "
            "ON CONFLICT (loan_id) DO UPDATE SET fees = t.fees + excluded.fees, sum_minor = t.sum_minor + excluded.sum_minor",
        ),
    ),
)


def _sums(events: Sequence[Recorded]) -> list[tuple[str, int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for event in events:
        if isinstance(event.data, FeeCharged):
            fees, total = found.get(event.data.loan_id, (0, 0))
            found[event.data.loan_id] = (fees + 1, total + event.data.amount_minor)
    return [(loan, fees, total) for loan, (fees, total) in found.items()]


@dataclass
class Pair:
    """A publisher `ingest` and a subscriber `outreach` joined by a topic of the test's own."""

    publisher: EventStore
    subscriber: EventStore
    bootstrap: str
    topic: str
    inbox: Inbox = field(init=False)
    appended: Signal = field(default_factory=Signal)
    heard: Signal = field(default_factory=Signal)

    def __post_init__(self) -> None:
        source: Source = replace(own_topic("ingest"), topic=self.topic)
        subscription = Subscription(FeeCharged, hear, lambda e: (heard(e.data.loan_id, e.debtor_id),))  # type: ignore[attr-defined]
        self.inbox = Inbox(f"outreach-{self.topic}", self.subscriber, [source], [subscription], [SUMS])

    def relay(self) -> Relay:
        return Relay(self.publisher, self.bootstrap, SystemClock(), self.appended, 0.05, topic=self.topic)

    def consumer(self, owner: str = "one") -> Consumer:
        return Consumer(self.inbox, (), SystemClock(), self.heard, self.bootstrap, owner, batch=50)

    async def until_caught_up(self, seconds: float = 30) -> None:
        """Wait until the subscriber has applied or parked everything that the publisher's log holds."""
        listener = self.heard.listener()
        async with asyncio.timeout(seconds):
            while await self.behind():
                await wait(listener, 0.2)

    async def until_parked(self) -> list[dict[str, Any]]:
        """Wait until something is parked, and return it."""
        listener = self.heard.listener()
        async with asyncio.timeout(20):
            while not (held := await parked(self.subscriber.database, self.inbox.consumer)):
                await wait(listener, 0.2)
        return held

    async def behind(self) -> int:
        async with self.publisher.database.connection() as connection:
            head = await connection.fetchval("SELECT count(*) FROM es.event")
        async with self.subscriber.database.connection() as connection:
            done = await connection.fetchval("SELECT coalesce(sum(version), 0) FROM es.seen_version")
            done += await connection.fetchval("SELECT count(*) FROM es.parked WHERE reason IN ('repugnant', 'behind')")
        return int(head - done)


def toy_store(service: str, database: Database) -> EventStore:
    return EventStore(service, database, partitions=PARTITIONS, deciders=[FEES, HEARD])


@asynccontextmanager
async def running(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run the roles in the background and stop them at the end."""
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def make_topic(bootstrap: str, name: str, partitions: int = PARTITIONS) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs={"max.message.bytes": "8388608"})])
    finally:
        await admin.close()
    return name


async def prepare(subscriber: Database) -> None:
    await ensure_live(subscriber, [SUMS])
