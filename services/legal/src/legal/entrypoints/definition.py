"""Legal's table of contents: event → use case, days, read models, routes."""

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
    RepaymentReversed,
)
from arrears.events.outreach import CaseClosed
from arrears.events.scoring import EscalationRecommended
from arrears.kafka.sources import Subscription, own_topic
from arrears.recorded import Recorded
from arrears.runtime import ServiceDefinition
from arrears.timeline import timeline
from arrears.wakes import DayRule, Wake
from legal.domain.debt import DEBT, debt_of
from legal.domain.legal_case import LEGAL_CASE, legal_case_of
from legal.entrypoints.http.cases import case_routes
from legal.entrypoints.http.proposals import proposal_routes
from legal.projections.closed_day import CLOSED_DAY
from legal.projections.legal_board import LEGAL_BOARD
from legal.projections.proposal_inbox import PROPOSAL_INBOX
from legal.use_cases.count_recovery import reduce_claim, restore_claim
from legal.use_cases.end_case import end_with_collection_case, extinguish_claim
from legal.use_cases.expire_proposal import expire_proposal
from legal.use_cases.follow_claims import reopen_claim, revise_claim, watch_claim
from legal.use_cases.propose_escalation import propose_escalation


def _debt(event: Recorded) -> Iterable[StreamRef[Any, Any]]:
    return (debt_of(event.debtor_id),)


def _debt_and_case(event: Recorded) -> Iterable[StreamRef[Any, Any]]:
    assert isinstance(event.data, EscalationRecommended | CaseClosed)
    return debt_of(event.debtor_id), legal_case_of(event.data.case_id, event.debtor_id)


def _debt_of_wake(wake: Wake) -> Iterable[StreamRef[Any, Any]]:
    return (debt_of(wake.debtor_id),)


LEGAL: Final = ServiceDefinition(
    name="legal",
    title="Arrears legal",
    deciders=(DEBT, LEGAL_CASE),
    sources=(own_topic("ingest"), own_topic("scoring"), own_topic("outreach")),
    subscriptions=(
        Subscription(LoanOverdue, watch_claim, _debt),
        Subscription(LoanBalanceChanged, revise_claim, _debt),
        Subscription(DelinquencyBucketChanged, reopen_claim, _debt),
        Subscription(EscalationRecommended, propose_escalation, _debt_and_case),
        Subscription(RepaymentReceived, reduce_claim, _debt),
        Subscription(RepaymentReversed, restore_claim, _debt),
        Subscription(LoanCured, extinguish_claim, _debt),
        Subscription(CaseClosed, end_with_collection_case, _debt_and_case),
    ),
    day_rules=(DayRule(LEGAL_CASE, expire_proposal, _debt_of_wake),),
    projections=(PROPOSAL_INBOX, LEGAL_BOARD, CLOSED_DAY, timeline("ingest", "scoring", "outreach", "legal")),
    routers=lambda runtime: (proposal_routes(runtime), case_routes(runtime)),
)
