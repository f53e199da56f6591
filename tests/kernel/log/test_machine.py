"""Append, claim and advance against a model: whatever is done in whatever order, the log and the offsets agree with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, Fees, fees

from arrears.database import Database
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.kafka.inbox import Inbox, PartitionsLost, Slice
from arrears_local.postgres import PostgresProcess

T = TypeVar("T")
LOANS = st.sampled_from(["a", "b", "c", "d"])
PARTS = st.sets(st.integers(0, 2), min_size=1)
TOPIC = "upstream.events"


@dataclass(frozen=True)
class Prepared:
    """Work that was decided on the versions of a moment: each stream's expected version and how many events."""

    work: Work
    expected: dict[str, int]
    events: list[str]


@dataclass
class Held:
    """A claim as its owner remembers it."""

    part: int
    epoch: int
    next_offset: int


@dataclass
class Model:
    """What must be true: the log as a list of loans, and next offset and epoch by partition."""

    log: list[str] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)

    def version(self, loan: str) -> int:
        return self.log.count(loan)


class LogMachine(RuleBasedStateMachine):
    """Owners that append and consume side by side on one log; each example has a database of its own."""

    postgres: PostgresProcess
    works = Bundle("works")
    claims = Bundle("claims")
    _numbers = 0

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        LogMachine._numbers += 1
        self.name = f"machine_{LogMachine._numbers}"
        self._admin(f"CREATE DATABASE {self.name} TEMPLATE event_log_template")
        self.database = Database(self.postgres.url(self.name))
        self.store = EventStore("ingest", self.database, partitions=3, deciders=[FEES])
        self.inbox = Inbox("machine", self.store, (), (), ())
        self.model = Model()

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(what)

    def _admin(self, statement: str) -> None:
        async def execute() -> None:
            admin = await asyncpg.connect(self.postgres.url("postgres"))
            await admin.execute(statement)
            await admin.close()

        self.run(execute())

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.run(self.database.close())
            self._admin(f"DROP DATABASE {self.name} WITH (FORCE)")
            self.loop.close()

    @rule(target=works, charges=st.dictionaries(LOANS, st.integers(1, 3), min_size=1))
    def decide(self, charges: dict[str, int]) -> Prepared:
        """Load and decide now; whether it can be appended later depends on who comes first."""
        return self._decided(charges)

    def _decided(self, charges: dict[str, int]) -> Prepared:
        work = self.store.work(NOON)

        async def execute() -> None:
            for loan, times in charges.items():
                await work.execute(fees(loan), Charge(loan, times=times), CAUSE)

        self.run(execute())
        expected = {loan: self.model.version(loan) for loan in charges}
        return Prepared(work, expected, [loan for loan, times in charges.items() for _ in range(times)])

    @rule(prepared=works, commits=st.booleans())
    def append(self, prepared: Prepared, commits: bool) -> None:
        """An append succeeds exactly when every touched stream still has the version decided on."""
        current = all(self.model.version(loan) == version for loan, version in prepared.expected.items())
        try:
            base = self.run(self._append([prepared.work], commits))
        except StreamVersionConflict:
            assert not current
        else:
            assert current
            assert base == len(self.model.log)
            if commits:
                self.model.log += prepared.events

    @rule(charges=st.lists(LOANS, min_size=1, unique=True))
    def append_a_group(self, charges: list[str]) -> None:
        """Works of several callers in one call take their positions in the order of the call."""
        works = [self._decided({loan: 1}).work for loan in charges]
        assert self.run(self._append(works, True)) == len(self.model.log)
        self.model.log += charges

    async def _append(self, works: list[Work], commits: bool) -> int:
        async with self.database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                base = await self.store.append(connection, works)
            except BaseException:
                await transaction.rollback()
                raise
            await (transaction.commit() if commits else transaction.rollback())
            return base

    @rule(target=claims, part=st.integers(0, 2))
    def claim(self, part: int) -> Held:
        """A claim starts where the last owner committed, in an epoch above all earlier ones."""

        async def execute() -> Any:
            async with self.database.connection() as connection:
                return await connection.fetchrow(
                    "SELECT next_offset, epoch FROM es.claim('machine', $1::text[], $2::int[], 'owner')",
                    [TOPIC], [part],
                )  # fmt: skip

        row = self.run(execute())
        self.model.epochs[part] = self.model.epochs.get(part, 0) + 1
        assert (row["next_offset"], row["epoch"]) == (self.model.offsets.setdefault(part, 0), self.model.epochs[part])
        return Held(part, row["epoch"], row["next_offset"])

    @rule(held=claims, count=st.integers(1, 5), loan=LOANS, stay=st.booleans())
    def advance(self, held: Held, count: int, loan: str, stay: bool) -> None:
        """A batch moves its offset and appends its effect together, or neither: a zombie's step changes nothing."""
        slice_ = Slice(TOPIC, held.part, held.epoch, held.next_offset, held.next_offset + count, ())
        alive = held.epoch == self.model.epochs[held.part]
        assert not alive or held.next_offset == self.model.offsets[held.part]
        try:
            self.run(self._consume([slice_], loan, stay))
        except PartitionsLost as error:
            assert error.lost == {(TOPIC, held.part)}
            assert not alive
        else:
            assert alive
            self.model.log.append(loan)
            if not stay:
                held.next_offset = self.model.offsets[held.part] = held.next_offset + count

    @rule(held=claims, back=st.integers(1, 3), loan=LOANS)
    def repeat(self, held: Held, back: int, loan: str) -> None:
        """A batch that was applied before is refused, even in the claim under which it was applied."""
        start = held.next_offset - back
        if start >= 0:
            with pytest.raises(PartitionsLost):
                self.run(self._consume([Slice(TOPIC, held.part, held.epoch, start, start + back, ())], loan, False))

    @rule(one=claims, other=claims, loan=LOANS)
    def advance_two(self, one: Held, other: Held, loan: str) -> None:
        """A batch over two partitions is one transaction: if one of them is lost, nothing of the other is applied."""
        if one.part == other.part:
            return
        both = [one, other]
        lost = {(TOPIC, h.part) for h in both if h.epoch != self.model.epochs[h.part]}
        slices = [Slice(TOPIC, h.part, h.epoch, h.next_offset, h.next_offset + 1, ()) for h in both]
        try:
            self.run(self._consume(slices, loan, False))
        except PartitionsLost as error:
            assert error.lost == lost
        else:
            assert not lost
            self.model.log.append(loan)
            for held in both:
                held.next_offset = self.model.offsets[held.part] = held.next_offset + 1

    async def _consume(self, slices: list[Slice], loan: str, stay: bool) -> None:
        async with self.database.transaction() as connection:
            work = self.store.work(NOON, connection)
            await work.execute(fees(loan), Charge(loan), CAUSE)
            await self.inbox.advance(connection, slices, stay=stay)
            await self.store.append(connection, [work])

    @invariant()
    def the_log_is_the_models(self) -> None:
        if not hasattr(self, "model"):
            return
        rows, offsets = self.run(self._read())
        assert [(r.position, r.stream_key, r.version) for r in rows] == _expected(self.model.log)
        assert offsets == {part: (self.model.offsets[part], epoch) for part, epoch in self.model.epochs.items()}

    @invariant()
    def the_states_are_the_folds(self) -> None:
        if not hasattr(self, "model"):
            return
        for loan in set(self.model.log):
            count = self.model.version(loan)
            assert self.run(self.store.work(NOON).state(fees(loan))) == Fees(count=count, sum_minor=100 * count)

    async def _read(self) -> tuple[list[Any], dict[int, tuple[int, int]]]:
        async with self.database.connection() as connection:
            rows = await self.store.read(connection, 0, 10_000)
            found = await connection.fetch("SELECT part, next_offset, epoch FROM es.consumer_offset")
        return rows, {r["part"]: (r["next_offset"], r["epoch"]) for r in found}


def _expected(log: list[str]) -> list[tuple[int, str, int]]:
    return [(i + 1, f"fees/{loan}", log[: i + 1].count(loan)) for i, loan in enumerate(log)]


def test_append_claim_and_advance_agree_with_the_model(postgres: PostgresProcess) -> None:
    LogMachine.postgres = postgres
    run_state_machine_as_test(
        LogMachine,
        settings=settings(
            max_examples=15, stateful_step_count=40, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
