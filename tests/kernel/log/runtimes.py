"""The toy subscriber as a whole service: its runtime on real parts, beside a publisher's log and topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from tests.kernel.log.delivery import HEARD, PARTITIONS, hear, heard, make_topic, toy_store
from tests.kernel.log.toy import CAUSE, NOON, Charge, fees

from arrears.database import Database
from arrears.events.ingest import FeeCharged
from arrears.events.outreach import LoanJoinedCase
from arrears.eventstore.store import EventStore
from arrears.followers import ProjectionFollower
from arrears.kafka.consumer import Consumer
from arrears.kafka.relay import Relay
from arrears.kafka.sources import Subscription, own_topic
from arrears.projections import Projection, Write
from arrears.recorded import Recorded
from arrears.runtime import Runtime, ServiceDefinition
from arrears.service import runtime
from arrears.settings import Settings
from arrears.signal import Signal, wait

_WAITING = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"""


def _tallies(events: Sequence[Recorded]) -> list[tuple[str, int, int, int]]:
    found: dict[str, list[int]] = {}
    for event in events:
        if isinstance(event.data, FeeCharged):
            row = found.setdefault(event.data.loan_id, [0, 0, 0])
            row[0] += 1
            row[1] += event.data.amount_minor
        elif isinstance(event.data, LoanJoinedCase):
            found.setdefault(event.data.loan_id, [0, 0, 0])[2] += 1
    return [(loan, *row) for loan, row in found.items()]  # type: ignore[misc]


TALLIES = Projection(
    name="tallies",
    version=1,
    follows=frozenset({"ingest", "outreach"}),
    columns="loan_id text PRIMARY KEY, fees int NOT NULL, sum_minor bigint NOT NULL, heard int NOT NULL",
    order_by="loan_id",
    writes=(
        Write(
            _tallies,
            "INSERT INTO {table} AS t SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) "
            "ON CONFLICT (loan_id) DO UPDATE SET fees = t.fees + excluded.fees, heard = t.heard + excluded.heard, "
            "sum_minor = t.sum_minor + excluded.sum_minor",
        ),
    ),
    indexes=("CREATE INDEX ON {table} (sum_minor)",),
)


def definition(topic: str, *projections: Projection) -> ServiceDefinition:
    """Return the subscriber: it hears of each fee of `topic` and tallies the publisher's events and its own."""
    return ServiceDefinition(
        name="outreach",
        title="Toy subscriber",
        deciders=[HEARD],
        sources=[replace(own_topic("ingest"), topic=topic, publisher="ingest")],
        subscriptions=[Subscription(FeeCharged, hear, lambda e: (heard(e.data.loan_id, e.debtor_id),))],  # type: ignore[attr-defined]
        projections=projections,
    )


def settings(service: str, database_url: str, bootstrap: str) -> Settings:
    return Settings.read(
        service,
        {
            "ARREARS_DATABASE_URL": database_url,
            "ARREARS_KAFKA": bootstrap,
            "ARREARS_PARTITIONS": str(PARTITIONS),
            "ARREARS_CONSUMER_BATCH": "50",
        },
    )


@dataclass
class Subscribed:
    """A publisher's log, its topic, and the runtime of the service that subscribes to it."""

    publisher: EventStore
    runtime: Runtime
    topic: str
    appended: Signal

    async def charge(self, loans: Sequence[str], amount: int = 100) -> None:
        """Append a fee for each loan to the publisher's log, in one transaction."""
        work = self.publisher.work(NOON)
        for loan in loans:
            await work.execute(fees(loan), Charge(loan, amount), CAUSE)
        async with self.publisher.database.transaction() as connection:
            await self.publisher.append(connection, [work])
        self.appended.notify()

    def relay(self) -> Relay:
        return Relay(
            self.publisher, self.runtime.settings.kafka, self.runtime.clock, self.appended, 0.05, topic=self.topic
        )

    def consumer(self) -> Consumer:
        bound = self.runtime
        return Consumer(
            bound.inbox, bound.definition.day_rules, bound.clock, bound.appended, bound.settings.kafka, "one", batch=50
        )

    def follower(self) -> ProjectionFollower:
        return ProjectionFollower(
            self.runtime.store, self.runtime.definition.projections, self.runtime.appended, idle_seconds=0.05
        )

    async def until(self, query: str, expected: Any, seconds: float = 30) -> None:
        """Wait until `query` on the subscriber's database returns `expected`."""
        async with self.runtime.database.connection() as connection:
            await until(connection, query, expected, self.runtime.appended, seconds)

    async def table(self, name: str) -> list[tuple[Any, ...]]:
        async with self.runtime.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(f"SELECT * FROM read.{name} ORDER BY 1")]


async def until(connection: Any, query: str, expected: Any, told: Signal, seconds: float = 30) -> None:
    """Ask again after each sign that something was appended (at the latest after 0.2 s) until the answer is right."""
    listener, found = told.listener(), None
    try:
        async with asyncio.timeout(seconds):
            while (found := await connection.fetchval(query)) != expected:
                await wait(listener, 0.2)
    except TimeoutError:
        raise AssertionError(f"{query}: {found!r}, not {expected!r}, after {seconds} s") from None


async def until_waiting(database: Database, count: int) -> None:
    """Return when `count` sessions of this database wait for an advisory lock."""
    async with database.connection() as connection:
        while await connection.fetchval(_WAITING) < count:  # noqa: ASYNC110  (each turn is a round trip)
            await asyncio.sleep(0)


@asynccontextmanager
async def subscribed(
    publisher: Database, subscriber_url: str, bootstrap: str, topic: str, *projections: Projection
) -> AsyncIterator[Subscribed]:
    """Yield the pair on an empty topic."""
    await make_topic(bootstrap, topic)
    async with runtime(definition(topic, *projections), settings("outreach", subscriber_url, bootstrap)) as bound:
        yield Subscribed(toy_store("ingest", publisher), bound, topic, Signal())


@asynccontextmanager
async def database_beside(admin_url: str, name: str) -> AsyncIterator[str]:
    """Yield the address of a further empty event log on the same server."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE event_log_template")
    yield admin_url.rpartition("/")[0] + "/" + name
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
