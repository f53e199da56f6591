"""What scoring publishes: scores, segments, treatments, escalation advice."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from arrears.events.ingest import Bucket
from arrears.events.registry import Count, Currency, Event, Minor, NaturalMinor, Rate, published

ContactChannel = Literal["voice", "sms", "email", "letter", "wechat", "push", "visit"]
Segment = Literal["pre_due", "light", "moderate", "severe", "hardship", "unreachable", "wilful"]


class TreatmentStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a strategy: what to try how many days after the treatment began, and what makes it needless."""

    no: int
    offset_days: int
    channel: ContactChannel
    template_id: str
    stop_if: tuple[str, ...] = ()


@published("scoring")
class DebtorScored(Event, frozen=True, kw_only=True):
    """A model looked at the debtor; probabilities are decimal strings, reasons are codes of the model."""

    loan_ids: tuple[str, ...]
    model_id: str
    model_version: int
    p_self_cure: Rate
    p_pay_30d: Rate
    p_contact: Rate
    expected_recovery_minor: Minor
    band: Literal["A", "B", "C", "D", "E"]
    reason_codes: tuple[str, ...]
    feature_hash: str
    scored_at: datetime


@published("scoring")
class SegmentAssigned(Event, frozen=True, kw_only=True):
    """The debtor belongs to a segment, with the reasons."""

    loan_ids: tuple[str, ...]
    segment: Segment
    willingness: Literal["high", "low", "unknown"]
    ability: Literal["high", "low", "unknown"]
    rule_version: int
    reasons: tuple[str, ...]


@published("scoring")
class TreatmentSelected(Event, frozen=True, kw_only=True):
    """The strategy that the case shall follow."""

    treatment_id: str
    loan_ids: tuple[str, ...]
    strategy_id: str
    version: int
    arm: str
    experiment_id: str
    steps: tuple[TreatmentStep, ...]
    valid_until: datetime


@published("scoring")
class EscalationRecommended(Event, frozen=True, kw_only=True):
    """Advice to go further, for people to approve."""

    case_id: str
    loan_ids: tuple[str, ...]
    target: Literal["visit", "agency", "legal"]
    expected_net_minor: Minor
    cost_minor: Minor
    reasons: tuple[str, ...]
    currency: str = ""


@published("scoring")
class DelinquencyObserved(Event, frozen=True, kw_only=True):
    """Scoring took note of an overdue loan: what its models see of it from now on."""

    loan_id: str
    episode_id: str
    as_of: date
    days_past_due: Count
    bucket: Bucket
    overdue_minor: NaturalMinor
    currency: Currency
    prior_episodes: Count


@published("scoring")
class BehaviourObserved(Event, frozen=True, kw_only=True):
    """Scoring counted something the debtor did, or that was tried; `ref` names the promise, attempt or repayment."""

    kind: Literal["contact_attempted", "right_party_contact", "promise_kept", "promise_broken", "repayment"]
    ref: str
    on: date


@published("scoring")
class AssessmentEnded(Event, frozen=True, kw_only=True):
    """A loan's episode is over; with the last one (`open_loans` 0) segment and treatment end too."""

    loan_id: str
    episode_id: str
    on: date
    open_loans: Count
