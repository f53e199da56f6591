"""Scoring's table of contents: event → use case, read models, routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from arrears.decider import StreamRef
from arrears.events.ingest import (
    DelinquencyBucketChanged,
    LoanBalanceChanged,
    LoanCured,
    LoanOverdue,
    RepaymentReceived,
)
from arrears.events.outreach import ContactAttempted, PromiseBroken, PromiseKept, TreatmentExhausted
from arrears.kafka.sources import Subscription, own_topic
from arrears.recorded import Recorded
from arrears.runtime import ServiceDefinition
from arrears.timeline import timeline
from scoring.domain.assessment import ASSESSMENT, assessment_of
from scoring.entrypoints.http.assessment import assessment_routes
from scoring.projections.treatment_board import TREATMENT_BOARD
from scoring.use_cases.advise_further_steps import advise_further_steps
from scoring.use_cases.assess_overdue_loan import assess_overdue_loan
from scoring.use_cases.end_episode import end_episode
from scoring.use_cases.observe_behaviour import observe_behaviour
from scoring.use_cases.revise_assessment import revise_amount, revise_delinquency


def _assessment(event: Recorded) -> Iterable[StreamRef[Any, Any]]:
    return (assessment_of(event.debtor_id),)


SCORING: Final = ServiceDefinition(
    name="scoring",
    title="Arrears scoring",
    deciders=(ASSESSMENT,),
    sources=(own_topic("ingest"), own_topic("outreach")),
    subscriptions=(
        Subscription(LoanOverdue, assess_overdue_loan, _assessment),
        Subscription(DelinquencyBucketChanged, revise_delinquency, _assessment),
        Subscription(LoanBalanceChanged, revise_amount, _assessment),
        Subscription(RepaymentReceived, observe_behaviour, _assessment),
        Subscription(ContactAttempted, observe_behaviour, _assessment),
        Subscription(PromiseKept, observe_behaviour, _assessment),
        Subscription(PromiseBroken, observe_behaviour, _assessment),
        Subscription(TreatmentExhausted, advise_further_steps, _assessment),
        Subscription(LoanCured, end_episode, _assessment),
    ),
    projections=(TREATMENT_BOARD, timeline("ingest", "outreach", "scoring")),
    routers=lambda runtime: (assessment_routes(runtime),),
)
