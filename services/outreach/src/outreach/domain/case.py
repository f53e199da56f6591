"""The collection case: one per person, of all overdue loans, following one treatment at a time. Pure.

No contact is pressed on a person while the case is held: an open promise, a dispute, or the legal way. Steps that a
hold interrupts wait and are planned anew on the day after it ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import reduce
from typing import Final

from arrears.decider import Decider
from arrears.events.outreach import (
    CaseClosed,
    CaseHeld,
    CaseOpened,
    CaseReleased,
    LoanBalanceNoted,
    LoanJoinedCase,
    LoanLeftCase,
    StepDone,
    StepTried,
    TreatmentAdopted,
    TreatmentExhausted,
)
from arrears.events.registry import Event
from arrears.values.identity import derived_id
from outreach.domain.case_commands import (
    AddOverdueLoan,
    CloseCase,
    CloseDay,
    Command,
    CureLoan,
    FinishStep,
    HoldCase,
    KeepTreatment,
    NoteBalance,
    NoteTry,
    ReleaseCase,
    ReopenLoan,
)
from outreach.domain.case_state import (
    ONE_DAY,
    CaseState,
    LoanInCase,
    NoCase,
    OpenCase,
    Step,
    evolve,
    wakes_at,
    wakes_on,
)
from outreach.domain.gate import KnownPoint
from outreach.domain.steps import plan_next


def decide(command: Command, state: CaseState) -> tuple[Event, ...]:
    """Return what `command` causes. Facts that no longer concern an open case cause nothing."""
    match command, state:
        case AddOverdueLoan(loan=loan), NoCase():
            return _open(command, loan, state)
        case ReopenLoan(loan_id=loan_id), NoCase(former=former) if loan_id in former:
            return _open(command, LoanInCase(loan_id=loan_id, currency=former[loan_id]), state)
        case KeepTreatment(), NoCase():
            early = _adopted(command, "")
            return () if state.early == early else (early,)
        case _, NoCase():
            return ()
        case AddOverdueLoan(loan=loan, on=on), OpenCase():
            if state.loan(loan.loan_id):
                return ()
            joined = LoanJoinedCase(case_id=state.case_id, loan_id=loan.loan_id, on=on)
            return (joined, _noted(loan, state.case_id))
        case ReopenLoan(loan_id=loan_id, on=on), OpenCase():
            if state.loan(loan_id) or loan_id not in state.former:
                return ()
            return (LoanJoinedCase(case_id=state.case_id, loan_id=loan_id, on=on),)
        case NoteBalance(loan), OpenCase():
            known = state.loan(loan.loan_id)
            return () if known is None or known == loan else (_noted(loan, state.case_id),)
        case KeepTreatment(), OpenCase():
            if state.treatment and state.treatment.treatment_id == command.selected.treatment_id:
                return ()
            return _then_plan(state, (_adopted(command, state.case_id),), command.points)
        case CloseDay(on, points), OpenCase():
            return _close_day(on, points, state)
        case _, OpenCase():
            return _decide_open(command, state)
        case _:
            raise AssertionError(f"no rule for {type(command).__name__}")


def _decide_open(command: Command, state: OpenCase) -> tuple[Event, ...]:
    case_id = state.case_id
    match command:
        case NoteTry(step_no, attempt_id, result, retry_at):
            if state.step(step_no) is None:
                return ()
            return (
                StepTried(case_id=case_id, step_no=step_no, attempt_id=attempt_id, result=result, retry_at=retry_at),
            )
        case FinishStep(on=on):
            found = _meant(command, state)
            return (StepDone(case_id=case_id, step_no=found.no, outcome="attempted", on=on),) if found else ()
        case HoldCase(reason, ref, until):
            held = CaseHeld(case_id=case_id, reason=reason, until=until, ref=ref)
            return () if state.held(reason, ref) else (held,)
        case ReleaseCase(reason, ref):
            released = CaseReleased(case_id=case_id, reason=reason, ref=ref)
            return (released,) if state.held(reason, ref) else ()
        case CureLoan(loan_id, on, paid_off):
            return _cure(loan_id, on, paid_off, state)
        case CloseCase(reason, on):
            return (CaseClosed(case_id=case_id, reason=reason, on=on, loan_ids=state.loan_ids),)
        case _:
            raise AssertionError(f"no rule for {type(command).__name__}")


def _open(command: AddOverdueLoan | ReopenLoan, loan: LoanInCase, state: NoCase) -> tuple[Event, ...]:
    opened = CaseOpened(
        case_id=derived_id("case", command.debtor_id, str(state.episodes)), loan_ids=(loan.loan_id,),
        total_overdue_minor=max(0, loan.due_minor or 0), currency=loan.currency, stage=command.stage,
        opened_on=command.on,
    )  # fmt: skip
    noted = (_noted(loan, opened.case_id),) if loan.payoff_minor is not None else ()
    events: tuple[Event, ...] = (opened, *noted)
    early = state.early
    if early is None or loan.loan_id not in early.loan_ids or early.valid_until.date() < command.on:
        return events
    adopted = TreatmentAdopted(
        case_id=opened.case_id, treatment_id=early.treatment_id, loan_ids=early.loan_ids,
        strategy_id=early.strategy_id, version=early.version, steps=early.steps, selected_on=early.selected_on,
        valid_until=early.valid_until,
    )  # fmt: skip
    return _then_plan(state, (*events, adopted), command.points)


def _then_plan(state: CaseState, events: tuple[Event, ...], points: tuple[KnownPoint, ...]) -> tuple[Event, ...]:
    """Plan the first day of a treatment at once: the close of the day before may have gone by already."""
    after = _after(events, state)
    if isinstance(after, NoCase) or after.treatment is None or after.holds:
        return events
    return (*events, *plan_next(after, after.treatment.starts_on - ONE_DAY, points))


def _after(events: Iterable[Event], state: CaseState) -> CaseState:
    return reduce(evolve, events, state)


def _close_day(on: date, points: tuple[KnownPoint, ...], state: OpenCase) -> tuple[Event, ...]:
    over = [hold for hold in state.holds if hold.until and hold.until <= on]
    released = [CaseReleased(case_id=state.case_id, reason=hold.reason, ref=hold.ref) for hold in over]
    treatment = state.treatment
    if len(over) < len(state.holds) or treatment is None or treatment.exhausted:
        return tuple(released)
    ended: list[Event] = [
        StepDone(
            case_id=state.case_id, step_no=step.no, on=on,
            outcome="blocked" if step.last_result == "blocked" else "missed",
        )
        for step in treatment.steps
        if step.pending and step.planned_on and step.planned_on <= on
    ]  # fmt: skip
    after = _after(ended, state)
    assert isinstance(after, OpenCase) and after.treatment is not None
    treatment = after.treatment
    planned = plan_next(after, on, points)
    if treatment.todo or on < treatment.last_done_on + ONE_DAY:
        return (*released, *ended, *planned)
    exhausted = TreatmentExhausted(
        case_id=state.case_id, loan_ids=state.loan_ids, strategy_id=treatment.strategy_id,
        version=treatment.version, last_step=max((s.no for s in treatment.steps), default=0), on=on,
    )  # fmt: skip
    return (*released, *ended, exhausted)


def _meant(command: FinishStep, state: OpenCase) -> Step | None:
    if command.step_no is not None:
        step = state.step(command.step_no)
        return step if step and step.done_on is None and step.channel == command.channel else None
    steps = state.treatment.steps if state.treatment else ()
    return next((s for s in steps if s.pending and s.channel == command.channel), None)


def _cure(loan_id: str, on: date, paid_off: bool, state: OpenCase) -> tuple[Event, ...]:
    if state.loan(loan_id) is None:
        return ()
    if len(state.loans) > 1:
        return (LoanLeftCase(case_id=state.case_id, loan_id=loan_id, on=on),)
    return (
        CaseClosed(case_id=state.case_id, reason="paid_off" if paid_off else "cured", on=on, loan_ids=state.loan_ids),
    )


def _adopted(command: KeepTreatment, case_id: str) -> TreatmentAdopted:
    selected = command.selected
    return TreatmentAdopted(
        case_id=case_id, treatment_id=selected.treatment_id, loan_ids=selected.loan_ids,
        strategy_id=selected.strategy_id, version=selected.version, steps=selected.steps, selected_on=command.on,
        valid_until=selected.valid_until,
    )  # fmt: skip


def _noted(loan: LoanInCase, case_id: str) -> LoanBalanceNoted:
    assert loan.due_minor is not None and loan.payoff_minor is not None and loan.as_of is not None
    return LoanBalanceNoted(
        case_id=case_id, loan_id=loan.loan_id, currency=loan.currency, due_minor=loan.due_minor,
        payoff_minor=loan.payoff_minor, as_of=loan.as_of,
    )  # fmt: skip


CASE: Final[Decider[Command, CaseState]] = Decider(
    name="case", initial=NoCase(), decide=decide, evolve=evolve, state_type=CaseState,
    wakes_on=wakes_on, wakes_at=wakes_at,
)  # fmt: skip
