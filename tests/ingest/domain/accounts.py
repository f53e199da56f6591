"""Accounts to test with: 3 × 100.00 due monthly, 7.2 % a year, penalty rate 10.8 %, Civil Code 561 until charged off."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from ingest.domain.account.course import account_at
from ingest.domain.account.facts import Fact, Instalment, Repaid, RepaymentReversed, ScheduleSet
from ingest.domain.account.figures import Figures, figures
from ingest.domain.account.terms import Buckets, Policies, Policy, Range, Terms

CC561 = Policy("horizontal", ("fee", "penalty", "compound", "interest", "principal"))
PRINCIPAL_FIRST = Policy("vertical", ("principal", "interest", "penalty", "compound", "fee"))
FIRST = date(2025, 1, 1)
TERMS = Terms(
    currency="CNY", minor_unit_digits=2, principal=30_000, disbursed_on=FIRST, rate="0.072", penalty_multiplier="1.5",
    day_count="ACT360", compound=False, grace_days=0, tolerance=0, dpd_components=("principal", "interest"),
    cap_rate=None, allocation=Policies(CC561, CC561, PRINCIPAL_FIRST, PRINCIPAL_FIRST),
    buckets=Buckets("dpd", (Range("M0", 0, 0), Range("M1", 1, 30), Range("M2P", 31, None))), rounding="half_up",
)  # fmt: skip
SCHEDULE = (
    Instalment(1, date(2025, 2, 1), 10_000, 180, 0),
    Instalment(2, date(2025, 3, 1), 10_000, 120, 0),
    Instalment(3, date(2025, 4, 1), 10_000, 60, 0),
)


def terms(**changes: Any) -> Terms:
    """Return the terms with changes."""
    return replace(TERMS, **changes)


def schedule(*instalments: Instalment, recorded_on: date = FIRST, version: int = 1) -> ScheduleSet:
    """Return the fact that sets the schedule."""
    return ScheduleSet(recorded_on=recorded_on, version=version, instalments=instalments or SCHEDULE)


def repaid(name: str, amount: int, on: date, *, recorded_on: date | None = None) -> Repaid:
    """Return a repayment, recorded on its value date unless said otherwise."""
    return Repaid(recorded_on=recorded_on or on, id=name, amount=amount, value_date=on, channel="transfer")


def taken_back(name: str, on: date, *, recorded_on: date | None = None) -> RepaymentReversed:
    """Return the reversal of a repayment."""
    return RepaymentReversed(recorded_on=recorded_on or on, id=name, value_date=on, reason="bounce")


def at(on: date, *facts: Fact, known_on: date | None = None, of: Terms = TERMS) -> Figures:
    """Return the figures at the close of a day."""
    account = account_at(of, facts, on, known_on)
    assert account is not None
    return figures(account)
