"""What the contract says, as the account computes with it. Pure."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Component = Literal["principal", "interest", "fee", "penalty", "compound"]
Stage = Literal["performing", "overdue_1_90", "overdue_91_plus", "charged_off"]
Rounding = Literal["half_up", "half_even", "down"]
DayCount = Literal["ACT360", "ACT365", "30E360"]
Minor = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Rate = Annotated[str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,10})?$")]
COMPONENTS: tuple[Component, ...] = ("principal", "interest", "fee", "penalty", "compound")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order of discharge. horizontal: instalment by instalment; vertical: component by component."""

    mode: Literal["horizontal", "vertical"]
    order: Annotated[tuple[Component, ...], Meta(min_length=5, max_length=5)]


class Policies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order of discharge in each stage."""

    performing: Policy
    overdue_1_90: Policy
    overdue_91_plus: Policy
    charged_off: Policy

    def at(self, stage: Stage) -> Policy:
        """Return the policy of a stage."""
        found: Policy = getattr(self, stage)
        return found


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A bucket: from `from_` to `to` days, both included; no end where `to` is None."""

    code: Annotated[str, Meta(min_length=1, max_length=20)]
    from_: Annotated[int, Meta(ge=0)]
    to: Annotated[int, Meta(ge=0)] | None


class Buckets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ranges of days past due, or of delinquent days, that have a name."""

    by: Literal["dpd", "delinquent_days"]
    ranges: Annotated[tuple[Range, ...], Meta(min_length=1)]

    def code_of(self, days: int) -> str:
        """Return the code of the range that holds `days`."""
        return next(r.code for r in self.ranges if r.to is None or days <= r.to)

    def problem(self) -> str:
        """Return what is wrong with the ranges, or nothing."""
        starts = [0, *(r.to + 1 for r in self.ranges[:-1] if r.to is not None)]
        if [r.from_ for r in self.ranges] != starts or self.ranges[-1].to is not None:
            return "the ranges do not begin at 0, leave a gap, overlap, or do not end open"
        if any(r.to is not None and r.to < r.from_ for r in self.ranges):
            return "a range ends before it begins"
        codes = [r.code for r in self.ranges]
        return "a code comes twice" if len(set(codes)) < len(codes) else ""


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The contract. Rates are decimals a year; the penalty rate is `rate` × `penalty_multiplier`, exactly."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    minor_unit_digits: Annotated[int, Meta(ge=0, le=4)]
    principal: Minor
    disbursed_on: date
    rate: Rate
    penalty_multiplier: Rate
    day_count: DayCount
    compound: bool
    grace_days: Annotated[int, Meta(ge=0, le=366)]
    tolerance: Minor
    dpd_components: Annotated[tuple[Component, ...], Meta(min_length=1)]
    cap_rate: Rate | None
    allocation: Policies
    buckets: Buckets
    rounding: Rounding

    @cached_property
    def interest_a_day(self) -> Fraction:
        """What one minor unit bears in a day that weighs 1 at the contract rate."""
        return Fraction(self.rate) / self.basis

    @cached_property
    def penalty_a_day(self) -> Fraction:
        """The same at the penalty rate."""
        return Fraction(self.rate) * Fraction(self.penalty_multiplier) / self.basis

    @cached_property
    def cap_a_day(self) -> Fraction:
        """The same at the rate that limits all charges; 0 where there is no cap."""
        return Fraction(self.cap_rate or 0) / self.basis

    @property
    def basis(self) -> int:
        """Days of a year."""
        return 365 if self.day_count == "ACT365" else 360

    def weight(self, start: date, end: date) -> int:
        """Return the days that [start, end) weighs; under 30E/360 every month has thirty (ISDA 2006 §4.16(g))."""
        if self.day_count == "30E360":
            return _thirty(end) - _thirty(start)
        return (end - start).days

    def rounded(self, exact: Fraction) -> int:
        """Return a sum of 0 or more in whole minor units."""
        whole, rest = divmod(exact.numerator, exact.denominator)
        if self.rounding == "down" or 2 * rest < exact.denominator:
            return whole
        if 2 * rest == exact.denominator and self.rounding == "half_even":
            return whole + whole % 2
        return whole + 1


def _thirty(on: date) -> int:
    return 360 * on.year + 30 * on.month + min(on.day, 30)
