"""The case: one per person, opened, joined, held, worked step by step, exhausted, closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outreach.domain.facts import (
    CASE_ID,
    DAY,
    DEBTOR,
    LOAN,
    MOBILE,
    OTHER_LOAN,
    keep,
    noted,
    opened,
    overdue,
    owing,
    selected,
    step,
)

from arrears.events.outreach import (
    CaseClosed,
    CaseHeld,
    CaseOpened,
    CaseReleased,
    LoanJoinedCase,
    LoanLeftCase,
    StepDone,
    StepPlanned,
    StepTried,
    TreatmentAdopted,
    TreatmentExhausted,
)
from arrears.events.registry import Event
from arrears.events.scoring import TreatmentStep
from arrears.eventstore.errors import CorruptStream
from arrears.testing.specification import Specification
from arrears.values.identity import derived_id
from outreach.domain.case import CASE
from outreach.domain.case_commands import CloseDay, CureLoan, FinishStep, HoldCase, NoteBalance, NoteTry, ReleaseCase
from outreach.domain.case_state import NoCase, stop_of

spec = Specification(CASE)
SMS, CALL, LAST = step(1, 0), step(2, 3, "voice"), step(3, 7)


def day(offset: int) -> date:
    return DAY + timedelta(days=offset)


def close(offset: int) -> CloseDay:
    return CloseDay(day(offset), (MOBILE,))


def adopted(*steps: TreatmentStep, case_id: str = CASE_ID, treatment_id: str = "treatment-1") -> TreatmentAdopted:
    chosen = selected(*steps, treatment_id=treatment_id)
    return TreatmentAdopted(
        case_id=case_id, treatment_id=treatment_id, loan_ids=(LOAN,), strategy_id="light", version=1, steps=steps,
        selected_on=DAY, valid_until=chosen.valid_until,
    )  # fmt: skip


def planned(no: int, offset: int, channel: Any = "sms", treatment_id: str = "treatment-1") -> StepPlanned:
    ten = datetime(2026, 3, 2, 2, tzinfo=UTC) + timedelta(days=offset)
    return StepPlanned(
        case_id=CASE_ID, treatment_id=treatment_id, step_no=no, channel=channel, template_id=f"t{no}",
        contact_point_id="mobile-1", on=day(offset), try_at=ten if channel == "sms" else None, loan_ids=(LOAN,),
    )  # fmt: skip


def done(no: int, offset: int, outcome: Any = "attempted") -> StepDone:
    return StepDone(case_id=CASE_ID, step_no=no, outcome=outcome, on=day(offset))


def held(reason: Any = "promise", ref: str = "p1", until: date | None = None) -> CaseHeld:
    return CaseHeld(case_id=CASE_ID, reason=reason, ref=ref, until=until)


WORKED = (*opened(), adopted(SMS, CALL, LAST))


def test_an_overdue_loan_opens_the_case_once() -> None:
    spec.given().when(overdue()).then(*opened())
    spec.given(*opened()).when(overdue()).then_nothing()


def test_a_second_loan_joins_and_leaves() -> None:
    joined = LoanJoinedCase(case_id=CASE_ID, loan_id=OTHER_LOAN, on=day(5))
    state = spec.given(*opened()).when(overdue(OTHER_LOAN, day(5))).then(joined, noted(OTHER_LOAN))
    assert state.owed_minor == 200_000  # type: ignore[union-attr]
    spec.given(*opened(), joined, noted(OTHER_LOAN)).when(CureLoan(LOAN, day(9), paid_off=False)).then(
        LoanLeftCase(case_id=CASE_ID, loan_id=LOAN, on=day(9))
    )


def test_the_last_cured_loan_closes_the_case_and_the_next_episode_has_another_id() -> None:
    closed = CaseClosed(case_id=CASE_ID, reason="cured", on=day(9), loan_ids=(LOAN,))
    spec.given(*opened()).when(CureLoan(LOAN, day(9), paid_off=False)).then(closed)
    spec.given(*opened()).when(CureLoan("not in it", day(9), paid_off=True)).then_nothing()
    outcome = spec.given(*opened(), closed).when(overdue(on=day(40)))
    first = outcome.events[0]
    assert isinstance(first, CaseOpened)
    assert first.case_id == derived_id("case", DEBTOR, "1")


def test_balances_are_noted_when_they_change_and_only_for_loans_of_the_case() -> None:
    spec.given(*opened()).when(NoteBalance(owing())).then_nothing()
    spec.given(*opened()).when(NoteBalance(owing(minor=10_000))).then(noted(minor=10_000))
    spec.given(*opened()).when(NoteBalance(owing(OTHER_LOAN))).then_nothing()
    spec.given().when(NoteBalance(owing())).then_nothing()


def test_a_treatment_that_comes_first_waits_for_the_case() -> None:
    early = adopted(SMS, CALL, case_id="")
    spec.given().when(keep(SMS, CALL)).then(early)
    spec.given(early).when(overdue()).then(*opened(), adopted(SMS, CALL), planned(1, 1))


def test_a_treatment_of_other_loans_or_an_old_one_does_not_start_with_the_case() -> None:
    early = adopted(SMS, case_id="")
    spec.given(early).when(overdue(OTHER_LOAN)).then(
        CaseOpened(
            case_id=CASE_ID, loan_ids=(OTHER_LOAN,), total_overdue_minor=50_000, currency="CNY", stage="M1",
            opened_on=DAY,
        ),
        noted(OTHER_LOAN),
    )  # fmt: skip
    late = overdue(on=date(2027, 2, 1))
    assert len(spec.given(early).when(late).events) == 2


def test_the_first_step_is_tried_at_ten_on_the_morning_after_the_case_opened() -> None:
    state = spec.given(*opened()).when(keep(SMS, CALL)).then(adopted(SMS, CALL), planned(1, 1))
    assert CASE.wakes_at(state) == datetime(2026, 3, 3, 2, tzinfo=UTC)
    assert CASE.wakes_on(state) == day(1)
    spec.given(*opened(), adopted(SMS)).when(keep(SMS)).then_nothing()


def test_a_new_treatment_replaces_the_present_one() -> None:
    other = keep(SMS, on=day(4), treatment_id="treatment-2")
    events = spec.given(*WORKED, planned(1, 1)).when(other).events
    assert events[1:] == (planned(1, 4, treatment_id="treatment-2"),)


def test_a_day_ends_its_steps_and_plans_the_next_morning() -> None:
    state = spec.given(*WORKED, planned(1, 1)).when(close(1)).then(done(1, 1, "missed"))
    assert CASE.wakes_on(state) == day(3)  # the call is due on day 4
    spec.given(*WORKED, planned(1, 1), done(1, 1)).when(close(3)).then(planned(2, 4, "voice"))


def test_a_blocked_step_ends_as_blocked() -> None:
    tried = StepTried(case_id=CASE_ID, step_no=1, attempt_id="a1", result="blocked")
    note = NoteTry(1, "a1", "blocked", None)
    state = spec.given(*WORKED, planned(1, 1)).when(note).then(tried)
    assert CASE.wakes_at(state) is None
    spec.given(*WORKED, planned(1, 1), tried).when(close(1)).then(done(1, 1, "blocked"))


def test_a_contact_finishes_the_step_of_its_number_or_of_its_channel() -> None:
    calling = (*WORKED, planned(1, 1), done(1, 1), planned(2, 4, "voice"))
    spec.given(*calling).when(FinishStep(None, "voice", day(4))).then(done(2, 4))
    spec.given(*calling).when(FinishStep(None, "sms", day(4))).then_nothing()
    spec.given(*WORKED, planned(1, 1)).when(FinishStep(1, "sms", day(1))).then(done(1, 1))
    spec.given(*WORKED, planned(1, 1)).when(FinishStep(1, "voice", day(1))).then_nothing()


def test_two_steps_of_one_day_are_planned_together_and_a_backlog_day_by_day() -> None:
    pair = (step(1, 0), step(2, 0, "voice"), step(3, 1))
    events = (*opened(), adopted(*pair))
    both = spec.given(*events).when(close(6)).events
    assert both == (planned(1, 7), planned(2, 7, "voice"))
    spec.given(*events, *both).when(close(7)).then(done(1, 7, "missed"), done(2, 7, "missed"), planned(3, 8))


def test_steps_wait_while_the_case_is_held_and_none_is_lost() -> None:
    state = spec.given(*WORKED, planned(1, 1)).when(HoldCase("promise", "p1")).then(held())
    assert (CASE.wakes_on(state), CASE.wakes_at(state), stop_of(state)) == (None, None, "held:promise")
    spec.given(*WORKED, planned(1, 1), held()).when(close(5)).then_nothing()
    released = CaseReleased(case_id=CASE_ID, reason="promise", ref="p1")
    free = spec.given(*WORKED, planned(1, 1), held()).when(ReleaseCase("promise", "p1")).then(released)
    assert stop_of(free) == ""
    spec.given(*WORKED, planned(1, 1), held(), released).when(close(9)).then(planned(1, 10))


def test_a_hold_until_a_day_ends_by_itself_and_two_holds_need_two_ends() -> None:
    until = held("hardship", "h1", day(5))
    state = spec.given(*WORKED, until).when(close(4)).then_nothing()
    assert CASE.wakes_on(state) == day(5)
    released = CaseReleased(case_id=CASE_ID, reason="hardship", ref="h1")
    spec.given(*WORKED, until).when(close(5)).then(released, planned(1, 6))
    both = spec.given(*WORKED, until, held("legal", "l1")).when(close(5)).then(released)
    assert stop_of(both) == "held:legal"
    assert CASE.wakes_on(both) is None


def test_the_treatment_is_exhausted_once_a_day_after_its_last_step() -> None:
    exhausted = TreatmentExhausted(
        case_id=CASE_ID, loan_ids=(LOAN,), strategy_id="light", version=1, last_step=1, on=day(2)
    )
    worked = (*opened(), adopted(SMS), planned(1, 1), done(1, 1))
    spec.given(*worked).when(close(1)).then_nothing()
    state = spec.given(*worked).when(close(2)).then(exhausted)
    assert CASE.wakes_on(state) is None
    spec.given(*worked, exhausted).when(close(3)).then_nothing()


@pytest.mark.parametrize("command", [close(1), HoldCase("legal", "l1"), CureLoan(LOAN, DAY, paid_off=False)])
def test_what_concerns_no_open_case_causes_nothing(command: Any) -> None:
    spec.given().when(command).then_nothing()


def test_an_impossible_event_is_found() -> None:
    events: tuple[Event, ...] = (held(), done(1, 1))
    for event in events:
        with pytest.raises(CorruptStream):
            CASE.evolve(CASE.initial, event)
    with pytest.raises(CorruptStream):
        spec.given(*opened(), opened()[0])


def test_every_close_moves_the_wake_up_past_its_day() -> None:
    state: Any = CASE.initial
    for worked in WORKED:
        state = CASE.evolve(state, worked)
    seen: list[Event] = []
    for offset in range(40):
        due = CASE.wakes_on(state)
        if due is not None and due <= day(offset):
            for event in CASE.decide(close(offset), state):
                state = CASE.evolve(state, event)
                seen.append(event)
            after = CASE.wakes_on(state)
            assert after is None or after > day(offset)
    assert [type(e).__name__ for e in seen].count("TreatmentExhausted") == 1
    assert [e.step_no for e in seen if isinstance(e, StepDone)] == [1, 2, 3]


some_commands = st.one_of(
    st.integers(0, 3).map(close),
    st.sampled_from([
        overdue(), overdue(OTHER_LOAN), keep(SMS, CALL, LAST), keep(SMS, treatment_id="treatment-2"),
        HoldCase("promise", "p1"), HoldCase("hardship", "h1", day(9)), ReleaseCase("promise", "p1"),
        HoldCase("legal", "l1"), ReleaseCase("legal", "l1"), NoteTry(1, "a1", "blocked", None),
        FinishStep(1, "sms", day(1)), FinishStep(None, "voice", day(4)), CureLoan(LOAN, day(2), paid_off=True),
        CureLoan(OTHER_LOAN, day(2), paid_off=False), NoteBalance(owing(minor=7)), NoteBalance(owing(OTHER_LOAN)),
    ]),
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(some_commands, max_size=40))
def test_in_whatever_order_things_come_the_case_stays_sane(commands: list[Any]) -> None:
    """Days go forward: no step is planned while held, a close moves the wake-up, a treatment ends once, one case at a time."""
    state: Any = CASE.initial
    today, exhausted, opened_ids = 0, list[tuple[str, str]](), list[str]()
    for command in commands:
        if isinstance(command, CloseDay):
            today += (command.on - DAY).days
            command = close(today)
        before = state
        for event in CASE.decide(command, state):
            state = CASE.evolve(state, event)
            if isinstance(event, StepPlanned):
                assert not state.holds
            if isinstance(event, TreatmentExhausted):
                exhausted.append((event.case_id, state.treatment.treatment_id))
            if isinstance(event, CaseOpened):
                assert isinstance(before, NoCase)
                opened_ids.append(event.case_id)
        if isinstance(command, CloseDay):
            wakes = CASE.wakes_on(state)
            assert wakes is None or wakes > command.on
    assert len(opened_ids) == len(set(opened_ids))
    restarts = sum(isinstance(command, type(keep(SMS))) for command in commands)
    assert len(exhausted) <= restarts
