"""Loans to test with: 3 × 100.00 due monthly, 7.2 % a year, penalty rate 10.8 %."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from arrears.events import ingest as e
from arrears.events.registry import Event
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import AgeLoan, BookLoan, LoanCommand, PostRepayment, ReverseRepayment
from ingest.domain.loan_state import Loan, LoanState, Unbooked
from ingest.domain.schedule import Instalment, Terms

E = TypeVar("E", bound=Event)

TERMS = Terms(
    loan_id="loan-1", currency="CNY", principal_minor=30_000, disbursed_on=date(2025, 1, 1), annual_rate="0.072",
    penalty_multiplier="1.5", day_count="ACT360", grace_days=0, tolerance_minor=0,
)  # fmt: skip
SCHEDULE = (
    Instalment(1, date(2025, 2, 1), 10_000, 180, 0),
    Instalment(2, date(2025, 3, 1), 10_000, 120, 0),
    Instalment(3, date(2025, 4, 1), 10_000, 60, 0),
)


def booking(instalments: tuple[Instalment, ...] = SCHEDULE, **terms: Any) -> BookLoan:
    """Return the command that books the loan, with other terms where given."""
    return BookLoan(
        terms=replace(TERMS, **terms), external_ref="L-1", source="corebanking", product="cash-loan",
        payment_reference="RF18 5390 0754 7034", instalments=instalments,
    )  # fmt: skip


def payment(ref: str, amount_minor: int, value_on: date, *, told_on: date | None = None, **more: Any) -> PostRepayment:
    """Return the command that posts money, told on its value date unless said otherwise."""
    known_on = told_on or value_on
    at = datetime(known_on.year, known_on.month, known_on.day, 9, tzinfo=UTC)
    return PostRepayment(
        posting_ref=ref, txn=ref, amount_minor=amount_minor, currency="CNY", value_on=value_on, received_at=at,
        known_on=known_on, **more,
    )  # fmt: skip


def reversal(ref: str, value_on: date, **more: Any) -> ReverseRepayment:
    """Return the command that takes a posting back."""
    return ReverseRepayment(txn=ref, reversal_ref=f"R-{ref}", value_on=value_on, reason="bounce", **more)


def run(*commands: LoanCommand, loan: LoanState | None = None) -> tuple[Loan, list[Event]]:
    """Return the loan after the commands, and the events of all of them."""
    state: LoanState = loan or Unbooked()
    events: list[Event] = []
    for command in commands:
        for event in LOAN.decide(command, state):
            state = LOAN.evolve(state, event)
            events.append(event)
    assert isinstance(state, Loan)
    return state, events


def close_until(loan: Loan, day: date, *, since: date = date.min) -> tuple[Loan, list[Event]]:
    """Close every day that the loan waits for, from `since` to `day`."""
    events: list[Event] = []
    while (on := LOAN.wakes_on(loan)) is not None and on <= day:
        on = max(on, since)
        loan, more = run(AgeLoan(on), loan=loan)
        assert more, f"nothing happened at the close of {on}, which the loan waited for"
        events += more
    return loan, events


def only(events: list[Event], kind: type[E]) -> list[E]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def balance(events: list[Event]) -> e.LoanBalanceChanged:
    """Return the last balance told."""
    return only(events, e.LoanBalanceChanged)[-1]
