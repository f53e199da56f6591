"""One real service over a real database, with the test in the place of the broker: what it hears, decides and answers.

Records pass through the production inbox with their CloudEvents headers, day rules through the production wake-up,
requests through the production application; only Kafka's transport and the token's signature are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import httpx
from starlette.requests import HTTPConnection

from arrears.auth.principal import Principal, Role
from arrears.auth.service_tokens import ServiceTokens
from arrears.clock import SystemClock
from arrears.database import Database
from arrears.events.ingest import BusinessDayClosed
from arrears.events.registry import Event, encode, type_of
from arrears.followers import ProjectionFollower
from arrears.http.app import create_app
from arrears.kafka.cloudevents import RawRecord, headers_of
from arrears.projections import Projection, create_generation, ensure_live
from arrears.recorded import Actor, Meta, Recorded, encode_meta
from arrears.runtime import Runtime, ServiceDefinition
from arrears.settings import Settings
from arrears.values.identity import partition_of
from arrears.wakes import wake_day

PARTITIONS: Final = 4
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


class ServiceWorld:
    """A service that hears what the test says."""

    def __init__(self, bound: Runtime) -> None:
        self.bound = bound
        self.now = NOON
        self.parked: list[str] = []
        self._positions: Counter[str] = Counter()
        self._versions: Counter[tuple[str, str]] = Counter()

    def record(self, source: str, debtor_id: str, event: Event, effective_on: date | None = None) -> RawRecord:
        """Return the record of the next event of a publisher; each debtor has one stream with every publisher."""
        return self._record(source, debtor_id, event, effective_on, partition_of(debtor_id, PARTITIONS))

    def _record(
        self, source: str, debtor_id: str, event: Event, effective_on: date | None, partition: int
    ) -> RawRecord:
        self._positions[source] += 1
        self._versions[source, debtor_id] += 1
        kind = type_of(type(event))
        meta = Meta(actor=Actor(kind="system", id=source), correlation="test", effective_on=effective_on)
        headers = headers_of(
            source, self._positions[source], f"stream/{debtor_id}", self._versions[source, debtor_id], debtor_id,
            kind.name, kind.version, self.now, self.now, encode_meta(meta),
        )  # fmt: skip
        offset = self._positions[source]
        return RawRecord(f"{source}.events", partition, offset, debtor_id.encode(), encode(event), headers, self.now)

    async def hear_records(self, records: Sequence[RawRecord]) -> None:
        """Apply records in one batch, as the consumer does; reasons of parked ones are kept in `parked`."""
        async with self.bound.database.transaction() as connection:
            items = [self.bound.inbox.decode(record) for record in records]
            effects = await self.bound.inbox.take(connection, items, self.now)
        self.parked += [f"{item.reason}: {item.error}" for item in effects.parked]

    async def hear(self, source: str, debtor_id: str, *events: Event, effective_on: date | None = None) -> None:
        """Apply events of one publisher about one debtor, then bring the own read models up to date."""
        await self.hear_records([self.record(source, debtor_id, event, effective_on) for event in events])
        await self.project()

    async def close_day(self, day: date) -> None:
        """Close a business day in every partition and wake the streams that waited for it."""
        closed = [BusinessDayClosed(business_date=day, calendar_id="CN", partition=p) for p in range(PARTITIONS)]
        await self.hear_records(
            [self._record("ingest", f"day-{event.partition}", event, day, event.partition) for event in closed]
        )
        stuck: set[str] = set()
        async with self.bound.database.transaction() as connection:
            work = self.bound.store.work(self.now, connection)
            rules = self.bound.definition.day_rules
            await wake_day(connection, work, rules, range(PARTITIONS), day, stuck)
            await self.bound.store.append(connection, [work])
        assert not stuck, f"{stuck} could not be woken"
        await self.project()

    async def project(self) -> None:
        """Bring the own read models to the log's head."""
        follower = ProjectionFollower(
            self.bound.store, self.bound.definition.projections, self.bound.appended, idle_seconds=1
        )
        while await follower.advance():
            pass

    async def log(self) -> list[Recorded]:
        """Return the service's whole log."""
        async with self.bound.database.connection() as connection:
            return list(await self.bound.store.read(connection, 0, 10_000))

    async def names(self) -> list[str]:
        """Return the names of all events of the log, in order."""
        return [event.type for event in await self.log()]

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """Return what a read model holds."""
        async with self.bound.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    @asynccontextmanager
    async def client(self, subject: str, *roles: Role) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client of the production application that speaks as `subject`."""
        principal = Principal(subject, frozenset(roles), "default", subject)

        async def authenticate(_connection: HTTPConnection) -> Principal:
            return principal

        definition = self.bound.definition
        app = create_app(
            definition.name, definition.title, authenticate=authenticate, routers=definition.routers(self.bound),
            statuses=definition.statuses,
        )  # fmt: skip
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client


@asynccontextmanager
async def service_world(definition: ServiceDefinition, database: Database) -> AsyncIterator[ServiceWorld]:
    """Yield the service over an empty log."""
    settings = Settings.read(definition.name, {"ARREARS_PARTITIONS": str(PARTITIONS)})
    async with httpx.AsyncClient() as http:
        tokens = ServiceTokens(settings.issuer, definition.name, "unused", http)
        bound = Runtime(definition, settings, database, SystemClock(), http, tokens)
        await ensure_live(database, definition.projections)
        yield ServiceWorld(bound)
        await bound.commands.close()


async def folded_one_by_one(world: ServiceWorld, projection: Projection) -> list[dict[str, Any]]:
    """Return the rows of a read model that is built from the own log anew, one event a page."""
    async with world.bound.database.transaction() as connection:
        gen = await create_generation(connection, projection, "building")
        for event in await world.log():
            await projection.apply(connection, gen, [event])
        query = f"SELECT * FROM {projection.table(gen)} ORDER BY {projection.order_by}"
        return [dict(row) for row in await connection.fetch(query)]
