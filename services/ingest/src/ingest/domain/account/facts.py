"""What is recorded of a loan: each fact with the day on which it became known and the day on which it works. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ingest.domain.account.terms import Minor

Name = Annotated[str, Meta(min_length=1, max_length=80)]


class Instalment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a schedule, in minor units."""

    no: Annotated[int, Meta(ge=1)]
    due_on: date
    principal: Minor
    interest: Minor
    fee: Minor


Instalments = Annotated[tuple[Instalment, ...], Meta(min_length=1)]


class _Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=str):
    recorded_on: date


class ScheduleSet(_Fact, frozen=True, kw_only=True):
    """The schedule from the disbursement on; a later one corrects the earlier from the start."""

    version: Annotated[int, Meta(ge=1)]
    instalments: Instalments


class Repaid(_Fact, frozen=True, kw_only=True):
    """Money in, working from its value date."""

    id: Name
    amount: Minor
    value_date: date
    channel: Literal["transfer", "wallet", "card", "auto_debit", "cash_branch", "court", "agency"]


class RepaymentReversed(_Fact, frozen=True, kw_only=True):
    """The whole repayment is taken back."""

    id: Name
    value_date: date
    reason: Literal["bounce", "chargeback", "error", "clawback"]


class FeeCharged(_Fact, frozen=True, kw_only=True):
    """A fee, payable from `on`."""

    on: date
    amount: Minor
    kind: Annotated[str, Meta(min_length=1)]


class FeeWaived(_Fact, frozen=True, kw_only=True):
    """Part of what is unpaid is given up."""

    on: date
    component: Literal["interest", "fee", "penalty", "compound"]
    amount: Minor


class DelinquencyPaused(_Fact, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The days from `from_` until before `to` are paused; without `to`, until resumed."""

    from_: date
    to: date | None
    stops_interest: bool
    reason: Literal["hardship", "disaster", "dispute", "insolvency", "moratorium", "regulator"]


class DelinquencyResumed(_Fact, frozen=True, kw_only=True):
    """Each pause listed before it that covers `on` ends there."""

    on: date


class Restructured(_Fact, frozen=True, kw_only=True):
    """A new schedule in place of all principal and interest still unpaid."""

    effective_on: date
    kind: Literal["extension", "re_age", "re_amortise", "haircut"]
    instalments: Instalments


class Accelerated(_Fact, frozen=True, kw_only=True):
    """All principal not yet due falls due."""

    on: date


class ChargedOff(_Fact, frozen=True, kw_only=True):
    """Written off in the accounts: the debt, its ageing and its accrual go on."""

    on: date


Fact = (
    ScheduleSet | Repaid | RepaymentReversed | FeeCharged | FeeWaived | DelinquencyPaused | DelinquencyResumed
    | Restructured | Accelerated | ChargedOff
)  # fmt: skip


def told_date(fact: Fact) -> date | None:
    """Return the date that the fact itself gives for its effect; None for a schedule, which holds from the first day."""
    match fact:
        case Repaid() | RepaymentReversed():
            return fact.value_date
        case FeeCharged() | FeeWaived() | DelinquencyResumed() | Accelerated() | ChargedOff():
            return fact.on
        case DelinquencyPaused():
            return fact.from_
        case Restructured():
            return fact.effective_on
        case ScheduleSet():
            return None
