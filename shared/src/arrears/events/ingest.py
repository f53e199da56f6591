"""What ingest publishes: the loan book, its days and its money."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from arrears.events.registry import Count, Currency, Event, Minor, NaturalMinor, PositiveMinor, Rate, published
from arrears.values.balance import Accruing, Components, DayCount

Bucket = Literal["M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7P"]
Channel = Literal["transfer", "wallet", "card", "auto_debit", "cash_branch", "court", "agency"]
PayerKind = Literal["debtor", "guarantor", "third_party", "court"]
Component = Literal["cost", "fee", "penalty", "compound", "interest", "principal"]


class AllocatedPart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a repayment that went to one component of one instalment (0: the loan as a whole)."""

    no: int
    component: Component
    amount_minor: Minor


@published("ingest")
class DebtorRegistered(Event, frozen=True, kw_only=True):
    """A person became known; the name is sealed with the person's own key."""

    source: str
    customer_ref: str
    name_sealed: str = ""
    language: Literal["zh", "en"] = "zh"
    zone: str = ""


@published("ingest")
class DebtorUpdated(Event, frozen=True, kw_only=True):
    """The person's data changed; `change_ref` is core banking's reference of the change."""

    change_ref: str
    name_sealed: str = ""
    language: Literal["zh", "en"] = "zh"
    zone: str = ""


@published("ingest")
class ContactPointAdded(Event, frozen=True, kw_only=True):
    """A way to reach the person, its value sealed."""

    contact_point_id: str
    kind: Literal["mobile", "landline", "email", "postal", "wechat", "push"]
    value_sealed: str
    owner: Literal["debtor", "guarantor", "emergency"] = "debtor"
    source: Literal["contract", "debtor", "bureau", "court", "licensed_trace"] = "contract"
    lawful_basis: str = "contract"
    zones: tuple[str, ...] = ()


@published("ingest")
class LoanImported(Event, frozen=True, kw_only=True):
    """A loan entered the book."""

    loan_id: str
    external_ref: str
    source: str
    product: str
    currency: Currency
    principal_minor: PositiveMinor
    disbursed_on: date
    maturity_on: date
    annual_rate: Rate
    penalty_multiplier: Rate
    day_count: DayCount
    grace_days: Count
    tolerance_minor: NaturalMinor
    payment_reference: str = ""


@published("ingest")
class InstallmentScheduled(Event, frozen=True, kw_only=True):
    """One instalment of one version of the schedule."""

    loan_id: str
    schedule_version: int
    no: int
    due_on: date
    principal_minor: NaturalMinor
    interest_minor: NaturalMinor
    fee_minor: NaturalMinor
    change_ref: str = ""
    """The reference of the change that made this version; empty for the first."""


@published("ingest")
class InstallmentDueSoon(Event, frozen=True, kw_only=True):
    """An instalment falls due in `days_to_due` days: time for a service reminder."""

    loan_id: str
    no: int
    due_on: date
    amount_minor: NaturalMinor
    days_to_due: int


@published("ingest")
class RepaymentReceived(Event, frozen=True, kw_only=True):
    """Money arrived for a loan and was allocated; parts and overpayment add up to the amount."""

    repayment_id: str
    loan_id: str
    amount_minor: PositiveMinor
    currency: Currency
    value_on: date
    received_at: datetime
    channel: Channel
    payer_kind: PayerKind
    external_txn: str
    allocation: tuple[AllocatedPart, ...]
    overpayment_minor: NaturalMinor
    policy_id: str


@published("ingest")
class RepaymentReversed(Event, frozen=True, kw_only=True):
    """A repayment was taken back; what it had paid is owed again."""

    repayment_id: str
    loan_id: str
    amount_minor: PositiveMinor
    currency: Currency
    value_on: date
    reason: Literal["bounce", "chargeback", "error", "clawback"]
    restored: tuple[AllocatedPart, ...]
    overpayment_minor: NaturalMinor
    reversal_ref: str = ""


@published("ingest")
class RepaymentReallocated(Event, frozen=True, kw_only=True):
    """Money of an earlier repayment now pays other parts: they fell due, or a fact of an earlier date became known.

    `allocation` and `overpayment_minor` replace the former ones and still add up to `amount_minor`.
    """

    repayment_id: str
    loan_id: str
    amount_minor: PositiveMinor
    currency: Currency
    as_of: date
    cause: Literal["due", "payment", "reversal", "fee", "schedule"]
    allocation: tuple[AllocatedPart, ...]
    overpayment_minor: NaturalMinor


@published("ingest")
class FeeCharged(Event, frozen=True, kw_only=True):
    """A fee was added under a clause of the contract."""

    loan_id: str
    fee_id: str
    kind: str
    amount_minor: PositiveMinor
    currency: Currency
    charged_on: date
    contract_clause: str


@published("ingest")
class LoanOverdue(Event, frozen=True, kw_only=True):
    """An episode of delinquency began: days past due went from 0 to at least 1 after grace. Once per episode."""

    loan_id: str
    episode_id: str
    overdue_since: date
    as_of: date
    days_past_due: int
    bucket: Bucket
    currency: Currency
    overdue: Components
    total_due_minor: Minor
    payoff_minor: Minor
    oldest_no: int
    prior_episodes: int


@published("ingest")
class DelinquencyBucketChanged(Event, frozen=True, kw_only=True):
    """The loan moved between buckets."""

    loan_id: str
    episode_id: str
    from_bucket: Bucket
    to_bucket: Bucket
    days_past_due: int
    delinquent_days: int
    as_of: date
    cause: Literal["ageing", "payment", "reversal", "backdated", "pause", "restructure"]
    days_past_due_max: int = 0


@published("ingest")
class LoanCured(Event, frozen=True, kw_only=True):
    """Nothing overdue is left: the episode ended."""

    loan_id: str
    episode_id: str
    cured_on: date
    days_past_due_max: int
    cured_by: Literal["self", "contact", "promise", "plan", "settlement", "legal", "restructure"]
    paid_off: bool = False


@published("ingest")
class LoanBalanceChanged(Event, frozen=True, kw_only=True):
    """What is owed after a change, and what it grows by: enough to quote the loan at any later date."""

    loan_id: str
    as_of: date
    currency: Currency
    due: Components
    not_due: Components
    accruing: tuple[Accruing, ...]
    payoff_minor: Minor
    overpaid_minor: NaturalMinor = 0
    cap_room_minor: int | None = None
    closed_on: date | None = None
    """The last business day whose close this balance accounts for."""


@published("ingest")
class HostDivergenceDetected(Event, frozen=True, kw_only=True):
    """The host's figure and our own differ: amount-bearing messages about the loan wait until it is settled."""

    loan_id: str
    field: str
    host_value: str
    own_value: str
    as_of: date


@published("ingest")
class UnmatchedReceiptOpened(Event, frozen=True, kw_only=True):
    """Money arrived that names no loan we know; it waits for a person."""

    receipt_id: str
    amount_minor: PositiveMinor
    currency: Currency
    value_on: date
    reference: str
    source_document: str
    reason: str


@published("ingest")
class FileImported(Event, frozen=True, kw_only=True):
    """A file was read to its end; the same bytes never have an effect again. `file_id` is their SHA-256."""

    file_id: str
    format: str
    entries: Count
    applied: Count
    unmatched: Count
    ignored: Count


@published("ingest")
class BusinessDayClosed(Event, frozen=True, kw_only=True):
    """Every effect of `business_date` on the debtors of `partition` stands before this event."""

    business_date: date
    calendar_id: str
    partition: int
