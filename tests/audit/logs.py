"""A publisher with a sealed log, and audit's memory filled from it, on real PostgreSQL; the topic is played by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.kernel.log.toy import CAUSE, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause
from arrears.kafka.cloudevents import RawRecord, to_headers
from arrears.projections import apply_foreign
from arrears.recorded import Recorded
from arrears.tree.heads import SignedHead, from_wire
from arrears.tree.keys import PublicKeys, public_keys, signing_key
from arrears.tree.sealer import Sealer, publish_heads
from audit.adapters.copied_record import copied
from audit.adapters.memory import PostgresMemory
from audit.domain.checkpoint import CHECKPOINT, Checkpoint, Command, Violation
from audit.projections.copy import COPY, SERVICES
from audit.use_cases.check_copy import check_copy
from audit.use_cases.verify_heads import verify_heads

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class SpokenCheckpoints:
    """The port `Checkpoints` in memory: the same decider, without a log."""

    states: dict[str, Checkpoint] = field(default_factory=dict)
    said: list[Any] = field(default_factory=list)

    async def state(self, service: str) -> Checkpoint:
        return self.states.get(service, Checkpoint())

    async def execute(self, service: str, command: Command) -> None:
        state = await self.state(service)
        for event in CHECKPOINT.decide(command, state):
            state = CHECKPOINT.evolve(state, event)
            self.said.append(event)
        self.states[service] = state


@dataclass
class Publisher:
    """The service `ingest` with a log of fees, its sealer and its heads."""

    store: EventStore
    home: Path
    sealed: int = 0

    def __post_init__(self) -> None:
        self.key = signing_key(self.home, "ingest", create=True)
        self.sealer = Sealer("ingest", self.key, SystemClock())

    async def charge(self, *loans: str, cause: Cause = CAUSE) -> list[Recorded]:
        """Append one fee a loan and return the events."""
        work = self.store.work(NOON)
        for loan in loans:
            await work.execute(fees(loan), Charge(loan), cause)
        async with self.store.database.transaction() as connection:
            base = await self.store.append(connection, [work])
        async with self.store.database.connection() as connection:
            return await self.store.read(connection, base, 1_000)

    async def seal(self) -> None:
        """Grow the tree to the log's end and sign it."""
        async with self.store.database.transaction() as connection:
            events = await self.store.read(connection, self.sealed, 5_000)
            if events:
                await self.sealer.seal(connection, events)
                self.sealed = events[-1].position
                await connection.execute(
                    "INSERT INTO es.follower (name, position) VALUES ('sealer', $1), ('relay', $1) "
                    "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                    self.sealed,
                )
        await self.sealer.sign(self.store.database)

    async def heads(self) -> list[SignedHead]:
        """Return the heads that are sent now."""
        sent: list[bytes] = []

        async def send(_topic: str, value: bytes, _key: bytes) -> None:
            sent.append(value)

        await publish_heads("ingest", self.store.database, send)
        return [from_wire(value) for value in sent]


@dataclass
class Auditor:
    """Audit's use cases over a database of its own; what they report is kept."""

    database: Database
    home: Path
    reports: list[tuple[str, Violation]] = field(default_factory=list)
    checkpoints: SpokenCheckpoints = field(default_factory=SpokenCheckpoints)

    def __post_init__(self) -> None:
        self.memory = PostgresMemory(self.database)
        self.keys: PublicKeys = public_keys(self.home)
        self.witness = signing_key(self.home, "audit", create=True)

    async def hear(self, events: list[Recorded]) -> None:
        """Take events into the copy as records of their topic."""
        read = [one for offset, event in enumerate(events) for one in copied(as_record(event, offset))]
        async with self.database.transaction() as connection:
            await apply_foreign(connection, [COPY], read)

    async def receive(self, heads: list[SignedHead]) -> None:
        await self.memory.receive_heads(heads, {0: len(heads)})

    async def report(self, service: str, violation: Violation) -> None:
        self.reports.append((service, violation))

    async def check(self) -> list[tuple[str, str, int]]:
        """Check the copy and judge the heads; return everything reported so far."""
        for service in SERVICES:
            while await check_copy(service, self.memory, self.report, frozenset(SERVICES), None):
                pass
            await verify_heads(service, self.memory, self.keys, self.report)
        return [(service, v.kind, v.position) for service, v in self.reports]

    async def spoil(self, statement: str, *values: object) -> None:
        """Change audit's own tables by hand."""
        async with self.database.connection() as connection:
            await connection.execute(statement, *values)


def as_record(event: Recorded, offset: int = 0, **changes: Any) -> RawRecord:
    """Return the Kafka record of an event."""
    record = RawRecord(
        f"{event.source}.events", event.partition, offset, event.debtor_id.encode(), event.raw_data,
        to_headers(event), event.recorded_at,
    )  # fmt: skip
    return replace(record, **changes)
