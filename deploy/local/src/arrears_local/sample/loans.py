"""The sample's loans: for each how many days its oldest unpaid instalment is past due. Pure: one day, one portfolio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from arrears_local.simulator.portfolio import SimulatedLoan, portfolio

_SEED: Final = 2026
# Days past due at the last closed day, loan by loan: 26 current, then every bucket up to the last one.
_AGES: Final = (
    *(0,) * 26,
    *(2, 3, 5, 8, 11, 15, 19, 22, 26, 29),
    *(33, 38, 44, 49, 53, 58),
    *(63, 71, 80, 88),
    *(93, 101, 108, 115),
    *(124, 137, 146),
    *(155, 169, 178),
    *(185, 204, 231, 260),
)
LOANS: Final = len(_AGES)
_FIRST_DUE_IN: Final = timedelta(days=3)
# Nobody has a number of those who are so late: their treatments end without a contact, and the legal way is proposed.
_UNREACHABLE_FROM: Final = 120


@dataclass(frozen=True, slots=True)
class SampleLoan:
    """A loan, how many of its instalments were paid in time, and how late the next one is (0: not due yet)."""

    loan: SimulatedLoan
    paid_lines: int
    days_past_due: int


def sample_loans(today: date) -> tuple[SampleLoan, ...]:
    """Return the portfolio as it stands on the morning of `today`; every date in it is relative to that day."""
    drawn = portfolio(_SEED, LOANS, today)
    return tuple(
        _placed(loan, days, number, today) for number, (loan, days) in enumerate(zip(drawn, _AGES, strict=True))
    )


def day_of(first_due_on: date) -> date:
    """Return the day for which a portfolio was made, by the due date of its first loan's first instalment."""
    return first_due_on - _FIRST_DUE_IN


def last_business_day(today: date) -> date:
    """Return the last day from Monday to Friday before `today`: the last one that the sample closes."""
    return next(day for day in (today - timedelta(days=n) for n in range(1, 4)) if day.weekday() < 5)


def _placed(drawn: SimulatedLoan, days: int, number: int, today: date) -> SampleLoan:
    paid = number % 4
    next_due = (
        last_business_day(today) - timedelta(days=days) if days else today + _FIRST_DUE_IN + timedelta(days=number % 24)
    )
    lines = tuple(replace(line, due_on=_months(next_due, line.no - 1 - paid)) for line in drawn.lines)
    phone = "" if days >= _UNREACHABLE_FROM else drawn.customer.phone
    loan = replace(
        drawn, ref=f"S{number + 1:04d}",
        customer=replace(drawn.customer, ref=f"SC{drawn.customer.ref[1:]}", phone=phone),
        payment_reference=f"SAMPLE{number + 1:06d}", disbursed_on=_months(lines[0].due_on, -1), lines=lines,
    )  # fmt: skip
    return SampleLoan(loan, paid, days)


def _months(day: date, count: int) -> date:
    """Return the same day of another month; the last days of a month become its 28th."""
    if not count:
        return day
    years, month = divmod(day.month - 1 + count, 12)
    return date(day.year + years, month + 1, min(day.day, 28))
