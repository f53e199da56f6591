"""What an assessment remembers, and how its events change it. Pure."""

from __future__ import annotations

import msgspec

from arrears.events.registry import Event
from arrears.events.scoring import (
    AssessmentEnded,
    BehaviourObserved,
    DebtorScored,
    DelinquencyObserved,
    EscalationRecommended,
    Segment,
    SegmentAssigned,
    TreatmentSelected,
)
from arrears.eventstore.errors import CorruptStream
from scoring.domain.features import Behaviour, OverdueLoan, counted


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one debtor; `cured` are loans by their last episode, which a reversal may open again.

    `treatments` counts those ever selected, `escalated_case_id` is the case for which going further was advised.
    """

    loans: dict[str, OverdueLoan] = {}
    cured: dict[str, OverdueLoan] = {}
    behaviour: Behaviour = Behaviour()
    segment: Segment | None = None
    strategy_id: str = ""
    strategy_version: int = 0
    treatments: int = 0
    escalated_case_id: str = ""


def evolve(state: Assessment, event: Event) -> Assessment:
    """Return the assessment after `event`.

    Raises:
        CorruptStream: the event is none of an assessment.
    """
    change = msgspec.structs.replace
    match event:
        case DelinquencyObserved():
            loan = OverdueLoan(
                episode_id=event.episode_id, days_past_due=event.days_past_due, bucket=event.bucket,
                overdue_minor=event.overdue_minor, currency=event.currency, prior_episodes=event.prior_episodes,
            )  # fmt: skip
            return change(state, loans={**state.loans, event.loan_id: loan}, cured=_without(state.cured, event.loan_id))
        case DebtorScored():
            return state
        case SegmentAssigned():
            return change(state, segment=event.segment)
        case TreatmentSelected():
            return change(
                state, strategy_id=event.strategy_id, strategy_version=event.version, treatments=state.treatments + 1,
                escalated_case_id="",
            )  # fmt: skip
        case BehaviourObserved():
            return change(state, behaviour=counted(state.behaviour, event.kind))
        case EscalationRecommended():
            return change(state, escalated_case_id=event.case_id)
        case AssessmentEnded() if event.loan_id in state.loans:
            cured = {**state.cured, event.loan_id: state.loans[event.loan_id]}
            if loans := _without(state.loans, event.loan_id):
                return change(state, loans=loans, cured=cured)
            return Assessment(behaviour=state.behaviour, treatments=state.treatments, cured=cured)
        case _:
            raise CorruptStream(f"{type(event).__name__} cannot follow in an assessment")


def _without(loans: dict[str, OverdueLoan], loan_id: str) -> dict[str, OverdueLoan]:
    return {key: loan for key, loan in loans.items() if key != loan_id} if loan_id in loans else loans
