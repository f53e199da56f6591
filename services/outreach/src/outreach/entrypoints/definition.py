"""Outreach's table of contents: event → use case, days, instants, read models, reactions, routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from arrears.auth.webhooks import ForgedWebhook
from arrears.decider import StreamRef
from arrears.events.ingest import (
    ContactPointAdded,
    DelinquencyBucketChanged,
    LoanBalanceChanged,
    LoanCured,
    LoanOverdue,
    RepaymentReceived,
    RepaymentReversed,
)
from arrears.events.legal import EscalatedToLegal, LegalCaseClosed
from arrears.events.scoring import TreatmentSelected
from arrears.kafka.sources import Subscription, own_topic
from arrears.recorded import Recorded
from arrears.runtime import ServiceDefinition
from arrears.timeline import timeline
from arrears.wakes import DayRule, InstantRule, Wake
from outreach.domain.case import CASE
from outreach.domain.contact import CONTACT
from outreach.domain.promise import PROMISE
from outreach.entrypoints.http.cases import case_routes
from outreach.entrypoints.http.contacts import contact_routes
from outreach.entrypoints.http.promises import promise_routes
from outreach.entrypoints.http.providers import provider_routes
from outreach.entrypoints.sending import SENDING
from outreach.projections.call_list import CALL_LIST
from outreach.projections.case_board import CASE_BOARD
from outreach.projections.promise_board import PROMISE_BOARD
from outreach.use_cases.close_case import close_case
from outreach.use_cases.evaluate_promises import evaluate_promises
from outreach.use_cases.hold_for_legal import hold_for_legal, resume_after_legal
from outreach.use_cases.keep_treatment import keep_treatment
from outreach.use_cases.note_facts import note_balance, note_contact_point
from outreach.use_cases.open_case import open_case, reopen_case
from outreach.use_cases.plan_contact import plan_contact
from outreach.use_cases.release_permits import release_permits
from outreach.use_cases.request_contact import try_steps
from outreach.use_cases.settle_promise import settle_promise, unsettle_promise
from outreach.use_cases.streams import case_and_contacts, case_of, contacts_of, loan_case_and_contacts


def _case(event: Recorded) -> Iterable[StreamRef[Any, Any]]:
    return (case_of(event.debtor_id),)


def _contacts(event: Recorded) -> Iterable[StreamRef[Any, Any]]:
    return (contacts_of(event.debtor_id),)


def _woken(wake: Wake) -> Iterable[StreamRef[Any, Any]]:
    return case_of(wake.debtor_id), contacts_of(wake.debtor_id)


OUTREACH: Final = ServiceDefinition(
    name="outreach",
    title="Arrears outreach",
    deciders=(CASE, CONTACT, PROMISE),
    sources=(own_topic("ingest"), own_topic("scoring"), own_topic("legal")),
    subscriptions=(
        Subscription(ContactPointAdded, note_contact_point, _contacts),
        Subscription(LoanOverdue, open_case, case_and_contacts),
        Subscription(DelinquencyBucketChanged, reopen_case, case_and_contacts),
        Subscription(LoanBalanceChanged, note_balance, _case),
        Subscription(TreatmentSelected, keep_treatment, case_and_contacts),
        Subscription(RepaymentReceived, settle_promise, loan_case_and_contacts),
        Subscription(RepaymentReversed, unsettle_promise, loan_case_and_contacts),
        Subscription(EscalatedToLegal, hold_for_legal, case_and_contacts),
        Subscription(LegalCaseClosed, resume_after_legal, case_and_contacts),
        Subscription(LoanCured, close_case, loan_case_and_contacts),
    ),
    # Promises first: one that breaks today releases its case, whose next steps are then planned by the same close.
    day_rules=(DayRule(PROMISE, evaluate_promises, _woken), DayRule(CASE, plan_contact, _woken)),
    instant_rules=(InstantRule(CASE, try_steps, _woken), InstantRule(CONTACT, release_permits, _woken)),
    projections=(CASE_BOARD, CALL_LIST, PROMISE_BOARD, timeline("ingest", "scoring", "outreach", "legal")),
    reactions=(SENDING,),
    routers=lambda runtime: (
        contact_routes(runtime), promise_routes(runtime), case_routes(runtime), provider_routes(runtime),
    ),
    statuses={ForgedWebhook: 403},
)  # fmt: skip
