"""A legal case: proposed, approved by two people, pursued, and closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from arrears.approvals import AlreadyGranted, ApprovalEnded, ApprovalNotFound, RoleNotEligible, SelfApproval
from arrears.events.approvals import ApprovalExpired, ApprovalGranted, ApprovalRefused, ApprovalRequested
from arrears.events.ingest import BusinessDayClosed
from arrears.events.legal import (
    Claim,
    ClaimReduced,
    ClaimRestored,
    EscalatedToLegal,
    EscalationProposed,
    LegalCaseClosed,
)
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from arrears.refusals import Refusal
from arrears.testing.specification import Specification
from legal.domain.debt import Claimed
from legal.domain.legal_case import (
    LEGAL_CASE,
    EndCase,
    ExpireProposal,
    GrantEscalation,
    LegalCase,
    Outcome,
    ProposeEscalation,
    ReduceClaim,
    RefuseEscalation,
    RestoreClaim,
    legal_case_of,
    wakes_on,
)
from legal.domain.refusals import NothingToClaim

DAY = date(2026, 3, 2)
LAST_DAY = DAY + timedelta(days=14)
PROPOSE = ProposeEscalation(
    "case-1", ("loan-1", "loan-2"), "CNY", 760_000, 90_000, ("treatment_exhausted", "band_c"), DAY
)
CLAIM = Claim(principal_minor=1_000_000, interest_minor=20_000, penalty_minor=12_500, cost_minor=500)
CLAIMED = Claimed(CLAIM, "CNY", ("loan-1",), DAY)
legal = Specification(LEGAL_CASE)

PROPOSED = LEGAL_CASE.decide(PROPOSE, LegalCase())
APPROVAL_ID = PROPOSED[0].approval_id if isinstance(PROPOSED[0], EscalationProposed) else ""
CASE_ID = legal.given(*PROPOSED).state.legal_case_id


def grant(by: str, **changes: Any) -> GrantEscalation:
    values: dict[str, Any] = {
        "approval_id": APPROVAL_ID, "by": by, "roles": frozenset({"legal"}), "on": DAY, "claimed": CLAIMED,
    }  # fmt: skip
    return GrantEscalation(**{**values, **changes})


def granted(by: str, complete: bool) -> ApprovalGranted:
    return ApprovalGranted(approval_id=APPROVAL_ID, granted_by=by, role="legal", complete=complete)


ESCALATED_EVENT = EscalatedToLegal(
    legal_case_id=CASE_ID, case_id="case-1", loan_ids=("loan-1",), claim=CLAIM, currency="CNY", as_of=DAY,
    route="small_claims", expected_net_minor=760_000, approved_by=("lin", "wang"),
)  # fmt: skip
ESCALATED: tuple[Event, ...] = (*PROPOSED, granted("lin", False), granted("wang", True), ESCALATED_EVENT)
CLOSED = (
    *ESCALATED,
    LegalCaseClosed(
        legal_case_id=CASE_ID, case_id="case-1", outcome="withdrawn", recovered_minor=0, cost_minor=0, on=DAY
    ),
)
REFUSED = (*PROPOSED, ApprovalRefused(approval_id=APPROVAL_ID, refused_by="lin", role="lead", reason="too small"))
EXPIRED = (*PROPOSED, ApprovalExpired(approval_id=APPROVAL_ID, on=LAST_DAY, reason="too_late"))


def test_an_advice_becomes_a_proposal_that_two_people_must_approve() -> None:
    proposed, requested = legal.given().when(PROPOSE).events
    assert isinstance(proposed, EscalationProposed)
    assert (proposed.case_id, proposed.loan_ids, proposed.expected_net_minor) == (
        "case-1",
        ("loan-1", "loan-2"),
        760_000,
    )
    assert requested == ApprovalRequested(
        approval_id=proposed.approval_id, subject="legal_escalation", subject_id="case-1", requested_by="scoring",
        roles=("legal", "lead"), approvals_needed=2,
        reason="expected net 7,600.00 CNY: treatment_exhausted, band_c", valid_until=LAST_DAY,
    )  # fmt: skip


@pytest.mark.parametrize("before", [PROPOSED, ESCALATED, CLOSED])
def test_a_case_is_proposed_once(before: tuple[Event, ...]) -> None:
    legal.given(*before).when(PROPOSE).then_nothing()


@pytest.mark.parametrize("before", [REFUSED, EXPIRED])
def test_a_case_that_was_refused_may_be_proposed_again_under_a_new_approval(before: tuple[Event, ...]) -> None:
    outcome = legal.given(*before).when(PROPOSE)
    assert outcome.state.approval is not None
    assert outcome.state.approval.approval_id != APPROVAL_ID
    assert outcome.state.legal_case_id == CASE_ID
    legal.given(*before, *outcome.events).when(grant("lin")).then_refused(ApprovalEnded)


def test_the_first_grant_changes_nothing_else() -> None:
    state = legal.given(*PROPOSED).when(grant("lin")).then(granted("lin", False))
    assert state.status == "proposed"


def test_the_second_grant_escalates_in_the_same_decision() -> None:
    outcome = legal.given(*PROPOSED, granted("lin", False)).when(grant("wang"))
    assert outcome.then(granted("wang", True), ESCALATED_EVENT).status == "escalated"


def test_a_lead_may_grant_too() -> None:
    (event,) = legal.given(*PROPOSED).when(grant("lin", roles=frozenset({"collector", "lead"}))).events
    assert isinstance(event, ApprovalGranted)
    assert event.role == "lead"


@pytest.mark.parametrize(
    ("before", "command", "refusal"),
    [
        ((), grant("lin"), ApprovalNotFound),
        (PROPOSED, grant("scoring"), SelfApproval),
        (PROPOSED, grant("lin", roles=frozenset({"collector"})), RoleNotEligible),
        ((*PROPOSED, granted("lin", False)), grant("lin"), AlreadyGranted),
        (PROPOSED, grant("lin", on=LAST_DAY + timedelta(days=1)), ApprovalEnded),
        (PROPOSED, grant("lin", approval_id="another"), ApprovalEnded),
        (REFUSED, grant("wang"), ApprovalEnded),
        (EXPIRED, grant("wang"), ApprovalEnded),
        (ESCALATED, grant("zhao"), ApprovalEnded),
        ((*PROPOSED, granted("lin", False)), grant("wang", claimed=None), NothingToClaim),
    ],
)
def test_a_grant_is_refused(before: tuple[Event, ...], command: GrantEscalation, refusal: type[Refusal]) -> None:
    legal.given(*before).when(command).then_refused(refusal)


def test_a_refusal_ends_the_proposal() -> None:
    command = RefuseEscalation(APPROVAL_ID, "lin", frozenset({"lead"}), "too small", DAY)
    assert legal.given(*PROPOSED).when(command).then(REFUSED[-1]).status == "ended"


def test_a_proposal_expires_at_the_close_of_its_last_day() -> None:
    assert wakes_on(legal.given(*PROPOSED).state) == LAST_DAY
    legal.given(*PROPOSED).when(ExpireProposal(LAST_DAY - timedelta(days=1))).then_nothing()
    state = legal.given(*PROPOSED).when(ExpireProposal(LAST_DAY)).then(EXPIRED[-1])
    assert (state.status, wakes_on(state)) == ("ended", None)


@pytest.mark.parametrize("events", [(), REFUSED, EXPIRED, ESCALATED, CLOSED])
def test_a_case_without_an_open_proposal_waits_for_no_day(events: tuple[Event, ...]) -> None:
    assert wakes_on(legal.given(*events).state) is None
    legal.given(*events).when(ExpireProposal(LAST_DAY)).then_nothing()


def test_the_proposal_falls_away_with_its_subject() -> None:
    gone = ApprovalExpired(approval_id=APPROVAL_ID, on=DAY, reason="subject_gone")
    legal.given(*PROPOSED).when(EndCase(DAY)).then(gone)


def reduced(amount: int, total: int, repayment_id: str = "r-1") -> ClaimReduced:
    return ClaimReduced(
        legal_case_id=CASE_ID,
        loan_id="loan-1",
        repayment_id=repayment_id,
        amount_minor=amount,
        recovered_minor=total,
        on=DAY,
    )


def test_money_reduces_the_claim_once() -> None:
    command = ReduceClaim("loan-1", "r-1", 40_000, DAY)
    legal.given(*ESCALATED).when(command).then(reduced(40_000, 40_000))
    legal.given(*ESCALATED, reduced(40_000, 40_000)).when(command).then_nothing()
    second = ReduceClaim("loan-1", "r-2", 1_000, DAY)
    legal.given(*ESCALATED, reduced(40_000, 40_000)).when(second).then(reduced(1_000, 41_000, "r-2"))


@pytest.mark.parametrize(
    ("before", "loan_id", "amount"), [(PROPOSED, "loan-1", 1), (CLOSED, "loan-1", 1), (ESCALATED, "loan-2", 1), (ESCALATED, "loan-1", 0)]
)  # fmt: skip
def test_other_money_does_not(before: tuple[Event, ...], loan_id: str, amount: int) -> None:
    legal.given(*before).when(ReduceClaim(loan_id, "r-1", amount, DAY)).then_nothing()


def test_money_taken_back_restores_the_claim() -> None:
    restored = ClaimRestored(
        legal_case_id=CASE_ID, loan_id="loan-1", repayment_id="r-1", amount_minor=40_000, recovered_minor=0, on=DAY
    )
    before = (*ESCALATED, reduced(40_000, 40_000))
    assert legal.given(*before).when(RestoreClaim("r-1", DAY)).then(restored).recovered_minor == 0
    legal.given(*before).when(RestoreClaim("r-2", DAY)).then_nothing()
    legal.given(*before, restored).when(RestoreClaim("r-1", DAY)).then_nothing()


@pytest.mark.parametrize(
    ("receipts", "given_outcome", "outcome", "recovered"),
    [
        ((), None, "withdrawn", 0),
        ((reduced(40_000, 40_000),), None, "recovered", 40_000),
        ((reduced(40_000, 40_000),), "settled", "settled", 40_000),
        ((), "uncollectable", "uncollectable", 0),
    ],
)
def test_the_end_says_what_came_of_it(
    receipts: tuple[Event, ...], given_outcome: Outcome | None, outcome: Outcome, recovered: int
) -> None:
    state = (
        legal.given(*ESCALATED, *receipts)
        .when(EndCase(DAY, given_outcome))
        .then(
            LegalCaseClosed(
                legal_case_id=CASE_ID,
                case_id="case-1",
                outcome=outcome,
                recovered_minor=recovered,
                cost_minor=0,
                on=DAY,
            )
        )
    )
    assert not state.live


@pytest.mark.parametrize("events", [(), REFUSED, EXPIRED, CLOSED])
def test_what_is_not_live_cannot_end(events: tuple[Event, ...]) -> None:
    assert not legal.given(*events).state.live
    legal.given(*events).when(EndCase(DAY)).then_nothing()


def test_the_state_survives_storage() -> None:
    state = legal.given(*ESCALATED, reduced(40_000, 40_000)).state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=LegalCase) == state


@pytest.mark.parametrize(
    "event",
    [
        granted("lin", False), ESCALATED_EVENT, CLOSED[-1], reduced(1, 1), REFUSED[-1],
        BusinessDayClosed(business_date=DAY, calendar_id="CN", partition=0),
    ],
)  # fmt: skip
def test_an_event_that_cannot_follow_is_a_corrupt_stream(event: Event) -> None:
    with pytest.raises(CorruptStream):
        LEGAL_CASE.evolve(LegalCase(), event)


def test_the_stream_is_named_for_the_collection_case_and_routed_by_the_debtor() -> None:
    ref = legal_case_of("case-1", "debtor")
    assert (ref.key, ref.debtor_id) == ("legal-case/case-1", "debtor")


people = st.sampled_from(["scoring", "lin", "wang", "zhao"])
role_sets = st.frozensets(st.sampled_from(["legal", "lead", "collector"]))
steps = st.one_of(
    st.just(PROPOSE),
    st.builds(grant, people, roles=role_sets, claimed=st.sampled_from([CLAIMED, None])),
    st.builds(RefuseEscalation, st.just(APPROVAL_ID), people, role_sets, st.just("no"), st.just(DAY)),
    st.builds(ExpireProposal, st.sampled_from([DAY, LAST_DAY])),
    st.builds(EndCase, st.just(DAY)),
    st.builds(ReduceClaim, st.just("loan-1"), st.sampled_from(["r-1", "r-2"]), st.integers(0, 9), st.just(DAY)),
    st.builds(RestoreClaim, st.sampled_from(["r-1", "r-2"]), st.just(DAY)),
)


@for_all(st.lists(steps, max_size=30))
def test_no_debt_is_escalated_without_two_different_people(commands: list[Any]) -> None:
    state = LegalCase()
    for command in commands:
        try:
            events = LEGAL_CASE.decide(command, state)
        except Refusal:
            continue
        for event in events:
            state = LEGAL_CASE.evolve(state, event)
            if isinstance(event, EscalatedToLegal):
                assert len(set(event.approved_by)) >= 2
                assert "scoring" not in event.approved_by
    assert state.recovered_minor >= 0
    assert state.live == (state.status in ("proposed", "escalated"))
