"""The assessment of one debtor, from the first overdue loan to the advice or the cure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from arrears.events.ingest import BusinessDayClosed
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
from arrears.eventstore.errors import CorruptStream
from arrears.testing.specification import Specification
from scoring.domain.assessment import (
    ASSESSMENT,
    AdviseFurtherSteps,
    AssessLoan,
    EndEpisode,
    ObserveBehaviour,
    ReviseAmount,
    ReviseDelinquency,
    assessment_of,
)
from scoring.domain.assessment_state import Assessment
from scoring.domain.strategies import FOLLOW_UP, STRATEGIES

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
scoring = Specification(ASSESSMENT)


def assess(**changes: Any) -> AssessLoan:
    values: dict[str, Any] = {
        "debtor_id": "debtor", "loan_id": "loan-1", "episode_id": "loan-1/1", "as_of": DAY, "days_past_due": 1,
        "bucket": "M1", "overdue_minor": 120_000, "currency": "CNY", "prior_episodes": 0, "at": AT,
    }  # fmt: skip
    return AssessLoan(**{**values, **changes})


def revise(days: int, bucket: Any, **changes: Any) -> ReviseDelinquency:
    values: dict[str, Any] = {
        "debtor_id": "debtor", "loan_id": "loan-1", "episode_id": "loan-1/1", "as_of": DAY + timedelta(days=days - 1),
        "days_past_due": days, "bucket": bucket, "at": AT + timedelta(days=days - 1),
    }  # fmt: skip
    return ReviseDelinquency(**{**values, **changes})


def exhausted(strategy: str, version: int = 1, case_id: str = "case-1") -> AdviseFurtherSteps:
    return AdviseFurtherSteps("debtor", case_id, strategy, version, AT + timedelta(days=40))


def history(*commands: Any) -> tuple[Event, ...]:
    """Return the events of a stream to which these commands were put one after the other."""
    events: list[Event] = []
    state = Assessment()
    for command in commands:
        for event in ASSESSMENT.decide(command, state):
            events.append(event)
            state = ASSESSMENT.evolve(state, event)
    return tuple(events)


def names(events: tuple[Event, ...]) -> list[str]:
    return [type(event).__name__ for event in events]


OVERDUE = history(assess())
FULL = ["DelinquencyObserved", "DebtorScored", "SegmentAssigned", "TreatmentSelected"]


def test_a_first_overdue_loan_is_scored_segmented_and_treated() -> None:
    observed, scored, assigned, selected = scoring.given().when(assess()).events
    assert observed == DelinquencyObserved(
        loan_id="loan-1", episode_id="loan-1/1", as_of=DAY, days_past_due=1, bucket="M1", overdue_minor=120_000,
        currency="CNY", prior_episodes=0,
    )  # fmt: skip
    assert isinstance(scored, DebtorScored)
    assert (scored.model_id, scored.band, scored.p_pay_30d, scored.p_contact) == (
        "expert-scorecard", "A", "0.85", "0.5000",
    )  # fmt: skip
    assert (scored.expected_recovery_minor, scored.reason_codes, scored.scored_at) == (102_000, (), AT)
    assert assigned == SegmentAssigned(
        loan_ids=("loan-1",), segment="light", willingness="unknown", ability="unknown", rule_version=1,
        reasons=("days_past_due_0_30", "overdue_yuan_0_10000"),
    )  # fmt: skip
    assert isinstance(selected, TreatmentSelected)
    assert (selected.strategy_id, selected.version, selected.arm, selected.experiment_id) == (
        "light-remind", 1, "champion", "",
    )  # fmt: skip
    assert selected.steps == STRATEGIES["light"].steps
    assert selected.valid_until == AT + timedelta(days=120)


def test_the_same_episode_is_assessed_once() -> None:
    scoring.given(*OVERDUE).when(assess()).then_nothing()


def test_a_second_loan_is_scored_with_the_first_and_keeps_the_treatment() -> None:
    outcome = scoring.given(*OVERDUE).when(assess(loan_id="loan-2", episode_id="loan-2/1"))
    assert names(outcome.events) == ["DelinquencyObserved", "DebtorScored"]
    scored = outcome.events[1]
    assert isinstance(scored, DebtorScored)
    assert scored.loan_ids == ("loan-1", "loan-2")
    assert scored.expected_recovery_minor == 204_000  # 2,400.00 in all: 85 points, band A, 0.85


def test_a_second_loan_that_makes_the_debt_large_brings_a_new_segment_and_treatment() -> None:
    second = assess(loan_id="loan-2", episode_id="loan-2/1", overdue_minor=6_000_000)
    outcome = scoring.given(*OVERDUE).when(second)
    assert names(outcome.events) == FULL
    assert outcome.state.segment == "moderate"


def test_a_bucket_that_stays_in_the_segment_scores_again_and_keeps_the_treatment() -> None:
    outcome = scoring.given(*OVERDUE).when(revise(31, "M2"))
    assert names(outcome.events) == ["DelinquencyObserved", "DebtorScored"]
    assert outcome.state.strategy_id == "light-remind"


def test_a_bucket_in_another_segment_brings_another_treatment() -> None:
    outcome = scoring.given(*OVERDUE).when(revise(61, "M3"))
    assert names(outcome.events) == FULL
    assert (outcome.state.segment, outcome.state.strategy_id, outcome.state.treatments) == (
        "moderate",
        "moderate-call",
        2,
    )
    first, second = OVERDUE[-1], outcome.events[-1]
    assert isinstance(first, TreatmentSelected) and isinstance(second, TreatmentSelected)
    assert first.treatment_id != second.treatment_id


@pytest.mark.parametrize(
    "command",
    [revise(1, "M1"), revise(1, "M0"), revise(31, "M2", loan_id="another"), revise(31, "M2", episode_id="loan-1/0")],
)
def test_a_bucket_that_tells_nothing_new_changes_nothing(command: ReviseDelinquency) -> None:
    scoring.given(*OVERDUE).when(command).then_nothing()


def test_the_amount_is_remembered_for_the_next_score() -> None:
    outcome = scoring.given(*OVERDUE).when(ReviseAmount("loan-1", DAY, 6_000_000))
    assert names(outcome.events) == ["DelinquencyObserved"]
    assert names(scoring.given(*OVERDUE, *outcome.events).when(revise(31, "M2")).events) == FULL
    scoring.given(*OVERDUE).when(ReviseAmount("loan-1", DAY, 120_000)).then_nothing()
    scoring.given(*OVERDUE).when(ReviseAmount("another", DAY, 1)).then_nothing()


@pytest.mark.parametrize(
    ("kind", "loan_id"),
    [
        ("contact_attempted", ""), ("right_party_contact", ""), ("promise_kept", ""), ("promise_broken", ""),
        ("repayment", "loan-1"),
    ],
)  # fmt: skip
def test_behaviour_is_counted_and_the_next_score_sees_it(kind: Any, loan_id: str) -> None:
    command = ObserveBehaviour(kind, "ref", DAY, loan_id)
    outcome = scoring.given(*OVERDUE).when(command)
    state = outcome.then(BehaviourObserved(kind=kind, ref="ref", on=DAY))
    before = scoring.given(*OVERDUE).when(revise(31, "M2")).events[1]
    after = scoring.given(*OVERDUE, *outcome.events).when(revise(31, "M2")).events[1]
    assert isinstance(before, DebtorScored) and isinstance(after, DebtorScored)
    assert before.feature_hash != after.feature_hash
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Assessment) == state


def test_behaviour_outside_arrears_is_not_counted_but_a_promise_settled_after_the_cure_is() -> None:
    cured = history(assess(), EndEpisode("loan-1", "loan-1/1", DAY))
    for command in (ObserveBehaviour("repayment", "r", DAY, "loan-1"), ObserveBehaviour("contact_attempted", "a", DAY)):
        scoring.given(*cured).when(command).then_nothing()
    scoring.given(*OVERDUE).when(ObserveBehaviour("repayment", "r", DAY, "another")).then_nothing()
    scoring.given().when(ObserveBehaviour("promise_kept", "p", DAY)).then_nothing()
    kept = scoring.given(*cured).when(ObserveBehaviour("promise_kept", "p", DAY))
    assert names(kept.events) == ["BehaviourObserved"]


def test_an_exhausted_strategy_brings_the_advice_to_go_to_court_when_that_pays() -> None:
    events = history(assess(overdue_minor=2_000_000))
    outcome = scoring.given(*events).when(exhausted("light-remind"))
    # 80 points, band A: 0.9 × 0.7 × 20,000 × 0.95 = 11,970, less 300 for the court, 600 for the lawyer, 50 for losing
    assert names(outcome.events) == ["DebtorScored", "EscalationRecommended"]
    assert outcome.events[1] == EscalationRecommended(
        case_id="case-1", loan_ids=("loan-1",), target="legal", expected_net_minor=1_102_000, cost_minor=90_000,
        reasons=("treatment_exhausted", "band_a", "litigation_policy_1"), currency="CNY",
    )  # fmt: skip


def test_the_advice_rests_on_a_score_of_its_own_day() -> None:
    tried = [ObserveBehaviour("contact_attempted", f"a-{n}", DAY) for n in range(3)]
    events = history(assess(overdue_minor=2_000_000), *tried)
    scored, advice = scoring.given(*events).when(exhausted("light-remind")).events
    assert isinstance(scored, DebtorScored) and isinstance(advice, EscalationRecommended)
    assert (scored.band, scored.reason_codes) == ("B", ("not_reached",))
    assert "band_b" in advice.reasons


def test_the_advice_is_given_once() -> None:
    events = history(assess(overdue_minor=2_000_000), exhausted("light-remind"))
    scoring.given(*events).when(exhausted("light-remind")).then_nothing()


def test_a_refused_advice_comes_again_after_the_next_treatment() -> None:
    events = history(assess(overdue_minor=2_000_000), exhausted("light-remind"), revise(61, "M3"))
    outcome = scoring.given(*events).when(exhausted("moderate-call"))
    assert names(outcome.events) == ["DebtorScored", "EscalationRecommended"]


def test_where_a_suit_costs_more_than_it_brings_a_cheap_treatment_follows_once() -> None:
    events = history(assess(overdue_minor=30_000))
    outcome = scoring.given(*events).when(exhausted("light-remind"))
    assert names(outcome.events) == ["TreatmentSelected"]
    assert outcome.state.strategy_id == FOLLOW_UP.strategy_id
    scoring.given(*events, *outcome.events).when(exhausted(FOLLOW_UP.strategy_id)).then_nothing()


@pytest.mark.parametrize("command", [exhausted("severe-call"), exhausted("light-remind", version=2)])
def test_a_strategy_that_is_no_longer_followed_is_not_judged(command: AdviseFurtherSteps) -> None:
    scoring.given(*OVERDUE).when(command).then_nothing()


def test_a_cured_debtor_is_not_escalated() -> None:
    cured = history(assess(), EndEpisode("loan-1", "loan-1/1", DAY))
    scoring.given(*cured).when(exhausted("light-remind")).then_nothing()


def test_what_is_paid_but_not_yet_cured_is_not_escalated() -> None:
    paid = history(assess(), ReviseAmount("loan-1", DAY, 0))
    assert names(scoring.given(*paid).when(exhausted("light-remind")).events) == ["TreatmentSelected"]


def test_the_advice_names_the_loans_of_one_currency_only() -> None:
    second = assess(loan_id="loan-0", episode_id="loan-0/1", currency="EUR", overdue_minor=500_000, days_past_due=0)
    events = history(assess(overdue_minor=2_000_000), second)
    advice = scoring.given(*events).when(exhausted("light-remind")).events[1]
    assert isinstance(advice, EscalationRecommended)
    assert advice.loan_ids == ("loan-1",)


def test_segment_and_treatment_end_with_the_last_cured_loan() -> None:
    events = history(assess(), assess(loan_id="loan-2", episode_id="loan-2/1"))
    first = scoring.given(*events).when(EndEpisode("loan-1", "loan-1/1", DAY))
    state = first.then(AssessmentEnded(loan_id="loan-1", episode_id="loan-1/1", on=DAY, open_loans=1))
    assert state.segment == "light"
    last = scoring.given(*events, *first.events).when(EndEpisode("loan-2", "loan-2/1", DAY))
    state = last.then(AssessmentEnded(loan_id="loan-2", episode_id="loan-2/1", on=DAY, open_loans=0))
    assert (state.loans, state.segment, state.strategy_id, state.treatments) == ({}, None, "", 1)


def test_a_reversal_opens_the_cured_episode_again() -> None:
    events = history(assess(), EndEpisode("loan-1", "loan-1/1", DAY))
    outcome = scoring.given(*events).when(revise(12, "M1"))
    assert names(outcome.events) == FULL
    assert outcome.state.cured == {}
    scoring.given(*events).when(revise(12, "M1", episode_id="loan-1/2")).then_nothing()


def test_a_new_episode_is_assessed_from_the_start_and_remembers_the_behaviour() -> None:
    events = history(
        assess(), ObserveBehaviour("promise_broken", "p", DAY), EndEpisode("loan-1", "loan-1/1", DAY)
    )  # fmt: skip
    outcome = scoring.given(*events).when(assess(episode_id="loan-1/2", prior_episodes=1))
    assert names(outcome.events) == FULL
    assert outcome.state.behaviour.promises_broken == 1
    first, again = OVERDUE[-1], outcome.events[-1]
    assert isinstance(first, TreatmentSelected) and isinstance(again, TreatmentSelected)
    assert first.treatment_id != again.treatment_id


@pytest.mark.parametrize("command", [EndEpisode("another", "e", DAY), EndEpisode("loan-1", "loan-1/0", DAY)])
def test_the_cure_of_another_episode_changes_nothing(command: EndEpisode) -> None:
    scoring.given(*OVERDUE).when(command).then_nothing()


def test_a_foreign_event_is_a_corrupt_stream() -> None:
    with pytest.raises(CorruptStream):
        ASSESSMENT.evolve(Assessment(), BusinessDayClosed(business_date=DAY, calendar_id="CN", partition=0))
    with pytest.raises(CorruptStream):
        ASSESSMENT.evolve(Assessment(), AssessmentEnded(loan_id="l", episode_id="e", on=DAY, open_loans=0))


def test_the_stream_is_named_for_the_debtor() -> None:
    assert assessment_of("debtor").key == "assessment/debtor"
