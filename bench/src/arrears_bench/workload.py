"""A small aggregate for the kernel's benchmarks: fees of a loan, with a published event of real size. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.ingest import FeeCharged
from arrears.events.registry import Event
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause, Work
from arrears.recorded import Actor

CAUSE: Final = Cause(Actor(kind="system", id="bench"))
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """How many fees, and their sum in minor units."""

    count: int = 0
    sum_minor: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """Charge a fee."""

    loan_id: str


def _decide(command: Charge, state: Fees) -> tuple[Event, ...]:
    return (
        FeeCharged(
            loan_id=command.loan_id, fee_id=f"fee-{state.count}", kind="late", amount_minor=1_250, currency="CNY",
            charged_on=date(2026, 3, 2), contract_clause="8.1",
        ),
    )  # fmt: skip


def _evolve(state: Fees, _event: Event) -> Fees:
    return Fees(count=state.count + 1, sum_minor=state.sum_minor + 1_250)


FEES: Final = Decider("fees", Fees(), _decide, _evolve, Fees)


def fees(number: int) -> StreamRef[Charge, Fees]:
    """Return the stream of the `number`-th loan."""
    return StreamRef(FEES, f"loan-{number}", f"debtor-{number}")


async def charge(work: Work, number: int) -> None:
    """Charge one fee to the `number`-th loan."""
    await work.execute(fees(number), Charge(f"loan-{number}"), CAUSE)


async def fill(store: EventStore, events: int, loans: int, start: int = 0, batch: int = 2_000) -> None:
    """Append `events` fees, spread over `loans` loans."""
    for first in range(start, start + events, batch):
        numbers = [n % loans for n in range(first, min(first + batch, start + events))]
        async with store.database.transaction() as connection:
            work = store.work(NOON, connection)
            await work.load([fees(n) for n in numbers])
            for number in numbers:
                await charge(work, number)
            await store.append(connection, [work])
