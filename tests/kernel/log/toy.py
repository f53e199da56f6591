"""A small aggregate for the kernel's tests: repayments of a loan counted, with the published events of ingest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.ingest import FeeCharged
from arrears.events.registry import Event
from arrears.eventstore.work import Cause
from arrears.recorded import Actor
from arrears.refusals import Refusal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAUSE = Cause(Actor(kind="system", id="test"))


class FeeTooHigh(Refusal):
    """The toy's only rule."""


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """How many fees, and their sum."""

    count: int = 0
    sum_minor: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """Charge a fee."""

    loan_id: str
    amount_minor: int = 100
    times: int = 1


def decide(command: Charge, state: Fees) -> tuple[Event, ...]:
    if command.amount_minor > 1_000_000:
        raise FeeTooHigh("too high")
    return tuple(
        FeeCharged(
            loan_id=command.loan_id, fee_id=f"{state.count + i}", kind="late", amount_minor=command.amount_minor,
            currency="CNY", charged_on=date(2026, 3, 2), contract_clause="8.1",
        )
        for i in range(command.times)
    )  # fmt: skip


def evolve(state: Fees, event: Event) -> Fees:
    assert isinstance(event, FeeCharged)
    return Fees(count=state.count + 1, sum_minor=state.sum_minor + event.amount_minor)


FEES = Decider("fees", Fees(), decide, evolve, Fees)


def fees(loan: str, debtor: str | None = None) -> StreamRef[Charge, Fees]:
    return StreamRef(FEES, loan, debtor or f"debtor-of-{loan}")
