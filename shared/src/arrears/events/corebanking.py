"""What core banking tells us on `corebanking.events`: the native door of ingest (AsyncAPI in docs/events).

Each carries the references of its source, not our ids. `posting_ref` or the like makes a redelivery recognisable.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from arrears.events.registry import Count, Currency, Event, NaturalMinor, PositiveMinor, Rate, published
from arrears.values.balance import DayCount

Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Instalment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a repayment schedule: what falls due on which date."""

    no: Annotated[int, msgspec.Meta(ge=1)]
    due_on: date
    principal_minor: NaturalMinor = 0
    interest_minor: NaturalMinor = 0
    fee_minor: NaturalMinor = 0


class CustomerData(msgspec.Struct, frozen=True, kw_only=True):
    """The person as core banking knows them; personal fields are sealed before anything is stored."""

    name: str = ""
    phone: str = ""
    email: str = ""
    zone: str = ""
    language: Literal["zh", "en"] = "zh"


@published("corebanking")
class LoanBooked(Event, frozen=True, kw_only=True):
    """A loan was disbursed, with its first schedule."""

    loan_ref: Ref
    customer_ref: Ref
    product: str
    currency: Currency
    principal_minor: PositiveMinor
    disbursed_on: date
    instalments: Annotated[tuple[Instalment, ...], msgspec.Meta(min_length=1)]
    annual_rate: Rate = "0"
    penalty_multiplier: Rate = "1.5"
    day_count: DayCount = "ACT360"
    grace_days: Count = 0
    tolerance_minor: NaturalMinor = 0
    payment_reference: str = ""
    customer: CustomerData = CustomerData()


@published("corebanking")
class ScheduleChanged(Event, frozen=True, kw_only=True):
    """The schedule was replaced as of `effective_on`."""

    loan_ref: Ref
    customer_ref: Ref
    change_ref: Ref
    effective_on: date
    instalments: Annotated[tuple[Instalment, ...], msgspec.Meta(min_length=1)]


@published("corebanking")
class RepaymentPosted(Event, frozen=True, kw_only=True):
    """Money for a loan was booked with the value date `value_on`."""

    loan_ref: Ref
    customer_ref: Ref
    posting_ref: Ref
    amount_minor: PositiveMinor
    currency: Currency
    value_on: date
    channel: Literal["transfer", "wallet", "card", "auto_debit", "cash_branch", "court", "agency"] = "transfer"
    payer_kind: Literal["debtor", "guarantor", "third_party", "court"] = "debtor"
    external_txn: str = ""
    """The host's name of the transaction, by which a reversal may name it; `posting_ref` where it is empty."""


@published("corebanking")
class RepaymentReversed(Event, frozen=True, kw_only=True):
    """An earlier posting was taken back."""

    loan_ref: Ref
    customer_ref: Ref
    posting_ref: Ref
    reversal_ref: Ref
    value_on: date
    reason: Literal["bounce", "chargeback", "error", "clawback"] = "error"


@published("corebanking")
class FeePosted(Event, frozen=True, kw_only=True):
    """A fee under a clause of the contract was charged."""

    loan_ref: Ref
    customer_ref: Ref
    fee_ref: Ref
    kind: str
    amount_minor: PositiveMinor
    currency: Currency
    charged_on: date
    contract_clause: str


@published("corebanking")
class DebtorChanged(Event, frozen=True, kw_only=True):
    """The customer's data changed."""

    customer_ref: Ref
    change_ref: Ref
    customer: CustomerData


@published("corebanking")
class InstalmentFellDue(Event, frozen=True, kw_only=True):
    """One instalment falls due, told by a host that does not send whole schedules; it may be the first word of its loan.

    `past_due_minor` is what the host counts as overdue besides it: a hint to compare with our own figure.
    """

    loan_ref: Ref
    customer_ref: Ref
    currency: Currency
    business_on: date
    instalment: Instalment
    past_due_minor: NaturalMinor = 0


@published("corebanking")
class DelinquencyReported(Event, frozen=True, kw_only=True):
    """What the host thinks is overdue on `business_on`: a hint, never taken over. `since` is its delinquent date."""

    loan_ref: Ref
    customer_ref: Ref
    currency: Currency
    business_on: date
    overdue_minor: NaturalMinor
    overdue_principal_minor: NaturalMinor = 0
    since: date | None = None
    classification: str = ""
