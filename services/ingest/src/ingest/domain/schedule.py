"""What a loan is made of: terms, instalments, fees, receipts of money. Values kept in the loan's state. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache

import msgspec

from arrears.events.ingest import Component
from arrears.values.balance import DayCount


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the contract says. Rates are decimals a year; the penalty rate is `annual_rate` × `penalty_multiplier`."""

    loan_id: str
    currency: str
    principal_minor: int
    disbursed_on: date
    annual_rate: str
    penalty_multiplier: str
    day_count: DayCount
    grace_days: int
    tolerance_minor: int


class Instalment(msgspec.Struct, frozen=True, array_like=True):
    """One line of the schedule: what falls due on `due_on`, in minor units."""

    no: int
    due_on: date
    principal_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0


class Fee(msgspec.Struct, frozen=True, array_like=True):
    """A fee charged under the contract, payable from `on`."""

    fee_id: str
    on: date
    amount_minor: int


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """Money that arrived. `txn` is the name under which a reversal finds it; `policy_id` says how it is allocated."""

    repayment_id: str
    txn: str
    amount_minor: int
    value_on: date
    policy_id: str
    reversed_on: date | None = None
    reversal_ref: str = ""

    @property
    def counts(self) -> bool:
        """False when it was taken back no later than it arrived: then it counts as never made (ledger.md §6)."""
        return self.reversed_on is None or self.reversed_on > self.value_on


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """Everything the ledger is computed from, in the order in which it became known."""

    instalments: tuple[Instalment, ...] = ()
    fees: tuple[Fee, ...] = ()
    receipts: tuple[Receipt, ...] = ()


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Money that paid one component of one instalment."""

    no: int
    component: Component
    amount_minor: int


@lru_cache(maxsize=512)
def penalty_ratio(annual_rate: str, penalty_multiplier: str, day_count: DayCount) -> tuple[int, int]:
    """Return numerator and denominator of the penalty for one minor unit and one day, exactly."""
    numerator, denominator = (Decimal(annual_rate) * Decimal(penalty_multiplier)).as_integer_ratio()
    return numerator, denominator * (365 if day_count == "ACT365" else 360)


@lru_cache(maxsize=512)
def penalty_rate(annual_rate: str, penalty_multiplier: str) -> str:
    """Return the penalty rate a year as decimal text."""
    return format(Decimal(annual_rate) * Decimal(penalty_multiplier), "f")


def weight_days(day_count: DayCount, start: date, end: date) -> int:
    """Return how many days the interval [start, end) weighs; under 30E360 every month has thirty."""
    if day_count == "30E360":
        months = 12 * (end.year - start.year) + end.month - start.month
        return 30 * months + min(end.day, 30) - min(start.day, 30)
    return (end - start).days
