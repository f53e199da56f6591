"""The assessment of one debtor: score, segment, treatment, and the advice to go further. Pure.

One stream a debtor, from the first overdue loan on. Segment and treatment live as long as some loan is overdue; what the
debtor did and what was tried is counted for good.

    nothing overdue ── AssessLoan ──► assessed, treated ── last EndEpisode ──► nothing overdue
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from arrears.decider import Decider, StreamRef
from arrears.events.ingest import Bucket
from arrears.events.registry import Event
from arrears.events.scoring import (
    AssessmentEnded,
    BehaviourObserved,
    DebtorScored,
    DelinquencyObserved,
    EscalationRecommended,
    SegmentAssigned,
    TreatmentSelected,
)
from arrears.values.identity import derived_id
from scoring.domain.assessment_state import Assessment, evolve
from scoring.domain.escalation import advise
from scoring.domain.features import BehaviourKind, Features, OverdueLoan, feature_hash, features_of
from scoring.domain.scorecard import MODEL_ID, MODEL_VERSION, Score, score
from scoring.domain.segments import SEGMENTS, segment_of, willingness
from scoring.domain.strategies import CHAMPION, FOLLOW_UP, STRATEGIES, Strategy


@dataclass(frozen=True, slots=True)
class AssessLoan:
    """A loan became overdue: score the debtor and choose a treatment. `at` is the instant of the assessment."""

    debtor_id: str
    loan_id: str
    episode_id: str
    as_of: date
    days_past_due: int
    bucket: Bucket
    overdue_minor: int
    currency: str
    prior_episodes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviseDelinquency:
    """The loan moved to another bucket: score again; another segment means another treatment."""

    debtor_id: str
    loan_id: str
    episode_id: str
    as_of: date
    days_past_due: int
    bucket: Bucket
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviseAmount:
    """What is overdue on the loan changed; it counts from the next assessment on."""

    loan_id: str
    as_of: date
    overdue_minor: int


@dataclass(frozen=True, slots=True)
class ObserveBehaviour:
    """The debtor did something, or a contact was tried."""

    kind: BehaviourKind
    ref: str
    on: date
    loan_id: str = ""


@dataclass(frozen=True, slots=True)
class AdviseFurtherSteps:
    """The strategy came to its end and the debt stands: advise the legal way, or a cheap treatment if that would not pay."""

    debtor_id: str
    case_id: str
    strategy_id: str
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class EndEpisode:
    """The loan is cured."""

    loan_id: str
    episode_id: str
    on: date


Command = AssessLoan | ReviseDelinquency | ReviseAmount | ObserveBehaviour | AdviseFurtherSteps | EndEpisode


def decide(command: Command, state: Assessment) -> tuple[Event, ...]:
    """Return the events that `command` causes. No command is refused: what does not concern the debtor changes nothing."""
    match command:
        case AssessLoan():
            return _assess_loan(command, state)
        case ReviseDelinquency():
            return _revise_delinquency(command, state)
        case ReviseAmount():
            return _revise_amount(command, state)
        case ObserveBehaviour():
            return _observe(command, state)
        case AdviseFurtherSteps():
            return _advise(command, state)
        case EndEpisode():
            loan = state.loans.get(command.loan_id)
            if loan is None or loan.episode_id != command.episode_id:
                return ()
            return (
                AssessmentEnded(
                    loan_id=command.loan_id, episode_id=command.episode_id, on=command.on,
                    open_loans=len(state.loans) - 1,
                ),
            )  # fmt: skip


def _assess_loan(command: AssessLoan, state: Assessment) -> tuple[Event, ...]:
    known = state.loans.get(command.loan_id)
    if known is not None and known.episode_id == command.episode_id:
        return ()
    observed = DelinquencyObserved(
        loan_id=command.loan_id, episode_id=command.episode_id, as_of=command.as_of, days_past_due=command.days_past_due,
        bucket=command.bucket, overdue_minor=command.overdue_minor, currency=command.currency,
        prior_episodes=command.prior_episodes,
    )  # fmt: skip
    return (observed, *_assess(evolve(state, observed), command.debtor_id, command.at))


def _revise_delinquency(command: ReviseDelinquency, state: Assessment) -> tuple[Event, ...]:
    known = state.loans.get(command.loan_id)
    # A cured episode is opened again when the repayment that cured it is taken back.
    loan = known or state.cured.get(command.loan_id)
    if loan is None or loan.episode_id != command.episode_id or command.bucket == "M0":
        return ()
    if known is not None and command.bucket == known.bucket:
        return ()
    observed = _observed(
        command.loan_id, loan, as_of=command.as_of, days_past_due=command.days_past_due, bucket=command.bucket
    )
    return (observed, *_assess(evolve(state, observed), command.debtor_id, command.at))


def _revise_amount(command: ReviseAmount, state: Assessment) -> tuple[Event, ...]:
    loan = state.loans.get(command.loan_id)
    if loan is None or loan.overdue_minor == command.overdue_minor:
        return ()
    return (_observed(command.loan_id, loan, as_of=command.as_of, overdue_minor=command.overdue_minor),)


def _observe(command: ObserveBehaviour, state: Assessment) -> tuple[Event, ...]:
    """A promise may be settled just after the cure; everything else counts only while something is overdue."""
    if command.kind in ("promise_kept", "promise_broken"):
        concerns = state.treatments > 0
    else:
        concerns = command.loan_id in state.loans if command.loan_id else bool(state.loans)
    return (BehaviourObserved(kind=command.kind, ref=command.ref, on=command.on),) if concerns else ()


def _advise(command: AdviseFurtherSteps, state: Assessment) -> tuple[Event, ...]:
    followed = (command.strategy_id, command.version) == (state.strategy_id, state.strategy_version)
    if not state.loans or not followed or state.escalated_case_id == command.case_id:
        return ()
    features = features_of(state.loans, state.behaviour)
    result = score(features)
    advice = advise(features, result.band) if features.overdue_minor > 0 else None
    if advice is not None and advice.worthwhile:
        claimed = tuple(sorted(k for k, loan in state.loans.items() if loan.currency == features.currency))
        return (
            _scored(result, features, state, command.at),
            EscalationRecommended(
                case_id=command.case_id, loan_ids=claimed, target="legal", expected_net_minor=advice.expected_net_minor,
                cost_minor=advice.cost_minor, reasons=advice.reasons, currency=features.currency,
            ),
        )  # fmt: skip
    if state.strategy_id == FOLLOW_UP.strategy_id:
        return ()
    return (_selected(FOLLOW_UP, state, command.debtor_id, command.at),)


def _assess(state: Assessment, debtor_id: str, at: datetime) -> tuple[Event, ...]:
    """Score the debtor; a new segment brings a new treatment."""
    features = features_of(state.loans, state.behaviour)
    scored = _scored(score(features), features, state, at)
    segment, reasons = segment_of(features)
    if segment == state.segment:
        return (scored,)
    assigned = SegmentAssigned(
        loan_ids=scored.loan_ids, segment=segment, willingness=willingness(state.behaviour), ability="unknown",
        rule_version=SEGMENTS.version, reasons=reasons,
    )  # fmt: skip
    return (scored, assigned, _selected(STRATEGIES[segment], state, debtor_id, at))


def _scored(result: Score, features: Features, state: Assessment, at: datetime) -> DebtorScored:
    return DebtorScored(
        loan_ids=tuple(sorted(state.loans)), model_id=MODEL_ID, model_version=MODEL_VERSION,
        p_self_cure=result.p_self_cure, p_pay_30d=result.p_pay_30d, p_contact=result.p_contact,
        expected_recovery_minor=result.expected_recovery_minor, band=result.band, reason_codes=result.reason_codes,
        feature_hash=feature_hash(features), scored_at=at,
    )  # fmt: skip


def _selected(strategy: Strategy, state: Assessment, debtor_id: str, at: datetime) -> TreatmentSelected:
    return TreatmentSelected(
        treatment_id=derived_id("treatment", debtor_id, str(state.treatments + 1)), loan_ids=tuple(sorted(state.loans)),
        strategy_id=strategy.strategy_id, version=strategy.version, arm=CHAMPION, experiment_id="",
        steps=strategy.steps, valid_until=at + strategy.valid_for,
    )  # fmt: skip


def _observed(
    loan_id: str, loan: OverdueLoan, *, as_of: date, days_past_due: int | None = None, bucket: Bucket | None = None,
    overdue_minor: int | None = None,
) -> DelinquencyObserved:  # fmt: skip
    return DelinquencyObserved(
        loan_id=loan_id, episode_id=loan.episode_id, as_of=as_of, currency=loan.currency,
        days_past_due=loan.days_past_due if days_past_due is None else days_past_due, bucket=bucket or loan.bucket,
        overdue_minor=loan.overdue_minor if overdue_minor is None else overdue_minor, prior_episodes=loan.prior_episodes,
    )  # fmt: skip


ASSESSMENT: Final = Decider(
    name="assessment", initial=Assessment(), decide=decide, evolve=evolve, state_type=Assessment, state_version=1
)


def assessment_of(debtor_id: str) -> StreamRef[Command, Assessment]:
    """Return the stream of a debtor's assessment."""
    return StreamRef(ASSESSMENT, debtor_id, debtor_id)
