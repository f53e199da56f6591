"""What outreach publishes: cases, permits, contacts, promises."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from arrears.events.registry import Count, Currency, Event, Minor, NaturalMinor, PositiveMinor, published
from arrears.events.scoring import ContactChannel, TreatmentStep

Direction = Literal["outbound", "inbound"]
HoldReason = Literal["hardship", "dispute", "complaint", "moratorium", "legal", "insolvency", "promise"]
Party = Literal["debtor", "guarantor", "third_party", "unknown", "none"]
Disposition = Literal[
    "RPC_PTP", "RPC_PAID_CLAIM", "RPC_REFUSES", "RPC_HARDSHIP", "RPC_DISPUTE", "RPC_CALLBACK", "RPC_HUNG_UP", "RPC_CEASE",
    "RPC_REPRESENTED", "GUARANTOR_CONTACT", "TP_MESSAGE", "TP_REFUSED", "WRONG_NUMBER", "DECEASED_REPORTED", "NO_ANSWER",
    "BUSY", "VOICEMAIL", "SWITCHED_OFF", "EMPTY_NUMBER", "OUT_OF_SERVICE", "REJECTED_BY_CALLEE", "CARRIER_FAIL", "ABANDONED",
    "MSG_SENT", "MSG_DELIVERED", "MSG_READ", "MSG_BOUNCED", "VISIT_MET", "VISIT_NOT_HOME", "VISIT_REFUSED",
    "LETTER_SIGNED", "LETTER_RETURNED",
]  # fmt: skip


@published("outreach")
class CaseOpened(Event, frozen=True, kw_only=True):
    """The one collection case of a debtor began."""

    case_id: str
    loan_ids: tuple[str, ...]
    total_overdue_minor: NaturalMinor
    currency: Currency
    stage: str
    opened_on: date


@published("outreach")
class LoanJoinedCase(Event, frozen=True, kw_only=True):
    """A further loan of the debtor became overdue while the case was open."""

    case_id: str
    loan_id: str
    on: date


@published("outreach")
class LoanLeftCase(Event, frozen=True, kw_only=True):
    """A loan of the case was cured while others are still overdue."""

    case_id: str
    loan_id: str
    on: date


@published("outreach")
class CaseHeld(Event, frozen=True, kw_only=True):
    """No collection contact until released: the reason says why, `ref` names the promise, dispute or suit behind it."""

    case_id: str
    reason: HoldReason
    until: date | None = None
    ref: str = ""


@published("outreach")
class CaseReleased(Event, frozen=True, kw_only=True):
    """A hold ended."""

    case_id: str
    reason: HoldReason
    ref: str = ""


@published("outreach")
class CaseClosed(Event, frozen=True, kw_only=True):
    """The case ended."""

    case_id: str
    reason: Literal["cured", "paid_off", "settled", "sold", "uncollectable", "deceased"]
    on: date
    loan_ids: tuple[str, ...] = ()


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One counted use of a frequency limit."""

    rule_id: str
    key: str
    on: date


class FailedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that denied: what it saw and where it stands written."""

    rule_id: str
    reason_code: str
    citation: str
    observed: dict[str, str]


@published("outreach")
class ContactPermitted(Event, frozen=True, kw_only=True):
    """The gate allowed one contact; the permit is spent by an attempt or released."""

    attempt_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    channel: ContactChannel
    contact_point_id: str
    template_id: str
    purpose: Literal["collection", "service"]
    pack_version: str
    slots: tuple[Slot, ...]
    permitted_at: datetime
    valid_until: datetime
    local_time: str
    requested_by: str
    step_no: int | None = None


@published("outreach")
class ContactBlocked(Event, frozen=True, kw_only=True):
    """The gate refused one contact, with every rule that failed."""

    attempt_id: str
    case_id: str
    channel: ContactChannel
    contact_point_id: str
    reason_code: str
    rule_id: str
    pack_version: str
    failed: tuple[FailedRule, ...]
    decided_at: datetime
    next_allowed_at: datetime | None
    requested_by: str
    step_no: int | None = None
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class ContactAttempted(Event, frozen=True, kw_only=True):
    """A contact took place, or was tried; its permit stands before it in the log."""

    attempt_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    channel: ContactChannel
    direction: Direction
    contact_point_id: str
    started_at: datetime
    duration_seconds: Count
    disposition: Disposition
    party: Party
    right_party: bool
    initiated_by: Literal["human", "bot", "dialer", "system"]
    collector_id: str = ""
    template_id: str = ""
    provider_ref: str = ""
    recording_ref: str = ""
    demand_made: bool = False


@published("outreach")
class ContactReleased(Event, frozen=True, kw_only=True):
    """A permit was not used: it expired, the provider failed before sending, or a stop event came first."""

    attempt_id: str
    reason: Literal["expired", "provider_failed", "stopped"]
    at: datetime


@published("outreach")
class MessageDelivered(Event, frozen=True, kw_only=True):
    """The carrier, reader or post confirmed what became of a message."""

    attempt_id: str
    receipt: Literal["carrier", "read", "signed", "refused", "returned", "bounced"]
    at: datetime
    evidence_ref: str
    demand: bool


class PromisePart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a promise to pay."""

    no: int
    due_on: date
    amount_minor: PositiveMinor


@published("outreach")
class PromiseMade(Event, frozen=True, kw_only=True):
    """The debtor promised to pay."""

    promise_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    parts: tuple[PromisePart, ...]
    total_minor: PositiveMinor
    currency: Currency
    grace_days: Count
    tolerance_minor: NaturalMinor
    promised_on: date
    pay_channel: str
    made_by: Literal["debtor", "guarantor"]
    attempt_id: str
    acknowledges_debt: bool
    taken_by: str


@published("outreach")
class PromiseKept(Event, frozen=True, kw_only=True):
    """What was promised arrived in time by value date."""

    promise_id: str
    on: date
    paid_minor: NaturalMinor
    repayment_ids: tuple[str, ...]
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromisePartlyKept(Event, frozen=True, kw_only=True):
    """Some of it arrived in time."""

    promise_id: str
    on: date
    paid_minor: NaturalMinor
    shortfall_minor: PositiveMinor
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromiseBroken(Event, frozen=True, kw_only=True):
    """Due date and grace passed and nothing arrived."""

    promise_id: str
    on: date
    paid_minor: NaturalMinor
    shortfall_minor: PositiveMinor
    as_of: date
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromiseCancelled(Event, frozen=True, kw_only=True):
    """The promise no longer counts."""

    promise_id: str
    reason: Literal["superseded", "paid_other", "error"]
    on: date
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class TreatmentExhausted(Event, frozen=True, kw_only=True):
    """The last step of the strategy is done and the debt stands."""

    case_id: str
    loan_ids: tuple[str, ...]
    strategy_id: str
    version: int
    last_step: int
    on: date


@published("outreach")
class LoanBalanceNoted(Event, frozen=True, kw_only=True):
    """What ingest last said about a loan of the open case: the figures that the gate and promises are judged by."""

    case_id: str
    loan_id: str
    currency: Currency
    due_minor: Minor
    payoff_minor: Minor
    as_of: date


@published("outreach")
class TreatmentAdopted(Event, frozen=True, kw_only=True):
    """The case follows this treatment from now on; `case_id` is empty while it waits for the case to open."""

    case_id: str
    treatment_id: str
    loan_ids: tuple[str, ...]
    strategy_id: str
    version: int
    steps: tuple[TreatmentStep, ...]
    selected_on: date
    valid_until: datetime


@published("outreach")
class StepPlanned(Event, frozen=True, kw_only=True):
    """A step of the treatment shall be carried out on a day: at an instant by us, or by a collector during the day."""

    case_id: str
    treatment_id: str
    step_no: int
    channel: ContactChannel
    template_id: str
    contact_point_id: str
    on: date
    try_at: datetime | None = None
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class StepTried(Event, frozen=True, kw_only=True):
    """The gate was asked for a step; `retry_at` if time alone may change its answer that day."""

    case_id: str
    step_no: int
    attempt_id: str
    result: Literal["permitted", "blocked", "released"]
    retry_at: datetime | None = None


@published("outreach")
class StepDone(Event, frozen=True, kw_only=True):
    """A step is behind us, whether or not a contact came of it."""

    case_id: str
    step_no: int
    outcome: Literal["attempted", "blocked", "missed"]
    on: date


@published("outreach")
class ContactPointNoted(Event, frozen=True, kw_only=True):
    """A way to reach the person, as ingest sealed it (`sealed_in` is the stream it was sealed for)."""

    contact_point_id: str
    kind: Literal["mobile", "landline", "email", "postal", "wechat", "push"]
    owner: Literal["debtor", "guarantor", "emergency"]
    zones: tuple[str, ...]
    value_sealed: str
    sealed_in: str


@published("outreach")
class ContactsStopped(Event, frozen=True, kw_only=True):
    """From here on no collection contact with the person: outstanding permits are void."""

    reason: str


@published("outreach")
class ContactsAllowed(Event, frozen=True, kw_only=True):
    """The person has an open case that nothing holds: contacts may be asked for."""

    case_id: str


@published("outreach")
class PromisePaymentMatched(Event, frozen=True, kw_only=True):
    """A repayment counts towards the promise, by its value date."""

    promise_id: str
    repayment_id: str
    amount_minor: PositiveMinor
    value_on: date
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromisePaymentUnmatched(Event, frozen=True, kw_only=True):
    """A repayment that counted was taken back."""

    promise_id: str
    repayment_id: str
    on: date
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromisePartMet(Event, frozen=True, kw_only=True):
    """A part other than the last was paid in time; the promise runs on."""

    promise_id: str
    no: int
    on: date
    paid_minor: NaturalMinor
    loan_ids: tuple[str, ...] = ()


@published("outreach")
class PromiseReinstated(Event, frozen=True, kw_only=True):
    """An ended promise is open again, because a payment turned out backdated or was taken back before the last day."""

    promise_id: str
    cause: str
    on: date
    loan_ids: tuple[str, ...] = ()
