"""What is owed on a loan, and what it grows to: the value that travels in LoanBalanceChanged. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from arrears.values.money import round_minor

DayCount = Literal["ACT360", "ACT365", "30E360"]


class Components(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Unpaid minor units by component, in the order of Civil Code 561: costs, fees, penalty, compound, interest, principal."""

    cost_minor: int = 0
    fee_minor: int = 0
    penalty_minor: int = 0
    compound_minor: int = 0
    interest_minor: int = 0
    principal_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Sum of all components in minor units."""
        return (
            self.cost_minor
            + self.fee_minor
            + self.penalty_minor
            + self.compound_minor
            + self.interest_minor
            + self.principal_minor
        )


class Accruing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One amount that grows daily: `base_minor` at the annual decimal rate `rate` from `from_on` (that day included).

    `grown_minor_days` are the minor-unit-days on which it has grown before `from_on`. What they amount to is told
    already, rounded; they carry the fraction, so that a later quote is what the ledger itself will say.
    """

    kind: Literal["interest", "penalty", "compound"]
    base_minor: int
    rate: str
    day_count: DayCount
    from_on: date
    grown_minor_days: int = 0


def accrued_minor(accruing: Iterable[Accruing], on: date) -> int:
    """Return what the accruals add up to at the start of day `on`, each rounded half up at the minor unit."""
    return sum(_grown(one, on) for one in accruing)


def _grown(one: Accruing, on: date) -> int:
    days, year = _days(one.day_count, one.from_on, on)
    rate, before = Decimal(one.rate), one.grown_minor_days
    after = before + one.base_minor * max(0, days)
    return round_minor(rate * after / year) - round_minor(rate * before / year)


def _days(day_count: DayCount, start: date, end: date) -> tuple[int, int]:
    if day_count == "30E360":
        return _thirty_e_360(start, end), 360
    return (end - start).days, 360 if day_count == "ACT360" else 365


def _thirty_e_360(start: date, end: date) -> int:
    """Days between two dates when every month has thirty (ISDA 2006 §4.16(g))."""
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + min(end.day, 30) - min(start.day, 30)
