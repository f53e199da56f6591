"""What the stream of a person's collection case knows, how events change it, and when it next has work. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from arrears.events.outreach import (
    CaseClosed,
    CaseHeld,
    CaseOpened,
    CaseReleased,
    HoldReason,
    LoanBalanceNoted,
    LoanJoinedCase,
    LoanLeftCase,
    StepDone,
    StepPlanned,
    StepTried,
    TreatmentAdopted,
    TreatmentExhausted,
)
from arrears.events.registry import Event
from arrears.events.scoring import ContactChannel
from arrears.eventstore.errors import CorruptStream

ONE_DAY: Final = timedelta(days=1)


class LoanInCase(msgspec.Struct, frozen=True, kw_only=True):
    """A loan of the case with what ingest last said it owes; None until ingest has said anything."""

    loan_id: str
    currency: str = ""
    due_minor: int | None = None
    payoff_minor: int | None = None
    as_of: date | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for silence; `ref` is the promise, dispute or suit behind it."""

    reason: HoldReason
    ref: str = ""
    until: date | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the treatment: planned for a day, tried (automatic channels), done."""

    no: int
    due_on: date
    channel: ContactChannel
    template_id: str
    contact_point_id: str = ""
    planned_on: date | None = None
    try_at: datetime | None = None
    tries: int = 0
    last_result: Literal["", "permitted", "blocked", "released"] = ""
    done_on: date | None = None

    @property
    def pending(self) -> bool:
        """Say whether it is planned and not done."""
        return self.planned_on is not None and self.done_on is None


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """The strategy that the case follows, from `starts_on`."""

    treatment_id: str
    strategy_id: str
    version: int
    starts_on: date
    steps: tuple[Step, ...]
    exhausted: bool = False

    @property
    def todo(self) -> tuple[Step, ...]:
        """Steps that are not done, in order."""
        return tuple(s for s in self.steps if s.done_on is None)

    @property
    def last_done_on(self) -> date:
        """The day of the last step done (the start, if there is none)."""
        return max((s.done_on for s in self.steps if s.done_on), default=self.starts_on)


class NoCase(msgspec.Struct, frozen=True, kw_only=True, tag="none"):
    """Nothing to collect now. `early` is a treatment that came before the case opened.

    `former` are the loans that were in a case before, with their currency: a cure may be undone.
    """

    episodes: int = 0
    former: dict[str, str] = msgspec.field(default_factory=dict)
    early: TreatmentAdopted | None = None


class OpenCase(msgspec.Struct, frozen=True, kw_only=True, tag="open"):
    """The one open case of the person."""

    case_id: str
    episodes: int
    opened_on: date
    loans: tuple[LoanInCase, ...]
    holds: tuple[Hold, ...] = ()
    treatment: Treatment | None = None
    former: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def loan_ids(self) -> tuple[str, ...]:
        """The overdue loans of the case."""
        return tuple(loan.loan_id for loan in self.loans)

    @property
    def owed_minor(self) -> int | None:
        """What all loans owe together if paid off now; None while one of them is unknown."""
        owed = [loan.payoff_minor for loan in self.loans]
        return None if None in owed else sum(one for one in owed if one is not None)

    def loan(self, loan_id: str) -> LoanInCase | None:
        """Return the loan if it is in the case."""
        return next((loan for loan in self.loans if loan.loan_id == loan_id), None)

    def held(self, reason: HoldReason, ref: str) -> bool:
        """Say whether this very hold stands."""
        return any((hold.reason, hold.ref) == (reason, ref) for hold in self.holds)

    def step(self, no: int) -> Step | None:
        """Return the step of that number of the present treatment."""
        steps = self.treatment.steps if self.treatment else ()
        return next((step for step in steps if step.no == no), None)


CaseState = NoCase | OpenCase


def stop_of(state: CaseState) -> str:
    """Return what the case says about contacts: empty when they may be asked for (the gate's `stopped`)."""
    if isinstance(state, NoCase):
        return "closed" if state.episodes else "no_case"
    reasons = sorted({hold.reason for hold in state.holds} - {"promise"}) or [hold.reason for hold in state.holds]
    return f"held:{reasons[0]}" if reasons else ""


def evolve(state: CaseState, event: Event) -> CaseState:
    """Return the state after `event`.

    Raises:
        CorruptStream: the event cannot follow the ones before it.
    """
    match state, event:
        case NoCase(), CaseOpened():
            loans = tuple(LoanInCase(loan_id=loan_id) for loan_id in event.loan_ids)
            return OpenCase(
                case_id=event.case_id, episodes=state.episodes, opened_on=event.opened_on, loans=loans,
                former=state.former,
            )  # fmt: skip
        case NoCase(), TreatmentAdopted():
            return msgspec.structs.replace(state, early=event)
        case OpenCase(), CaseClosed():
            return NoCase(episodes=state.episodes + 1, former=state.former | _remembered(state.loans))
        case OpenCase(), TreatmentAdopted():
            return msgspec.structs.replace(state, treatment=_begun(event, state.opened_on))
        case OpenCase(), LoanJoinedCase() | LoanLeftCase() | LoanBalanceNoted():
            former = state.former | _remembered(state.loans) if isinstance(event, LoanLeftCase) else state.former
            return msgspec.structs.replace(state, loans=_loans(state.loans, event), former=former)
        case OpenCase(), CaseHeld():
            hold = Hold(reason=event.reason, ref=event.ref, until=event.until)
            return msgspec.structs.replace(state, holds=(*state.holds, hold), treatment=_unplanned(state.treatment))
        case OpenCase(), CaseReleased():
            left = tuple(h for h in state.holds if (h.reason, h.ref) != (event.reason, event.ref))
            return msgspec.structs.replace(state, holds=left)
        case OpenCase(treatment=Treatment() as treatment), _:
            return msgspec.structs.replace(state, treatment=_progress(treatment, event))
        case _:
            raise CorruptStream(f"{type(event).__name__} cannot follow in a case that is {type(state).__name__}")


def _remembered(loans: tuple[LoanInCase, ...]) -> dict[str, str]:
    return {loan.loan_id: loan.currency for loan in loans if loan.currency}


def _begun(event: TreatmentAdopted, opened_on: date) -> Treatment:
    """The first day is the one after the case opened, for a day's close finds the debt and the next morning acts."""
    starts_on = max(opened_on + ONE_DAY, event.selected_on)
    steps = tuple(
        Step(no=s.no, due_on=starts_on + timedelta(days=s.offset_days), channel=s.channel, template_id=s.template_id)
        for s in sorted(event.steps, key=lambda s: (s.offset_days, s.no))
    )
    return Treatment(
        treatment_id=event.treatment_id, strategy_id=event.strategy_id, version=event.version,
        starts_on=starts_on, steps=steps,
    )  # fmt: skip


def _loans(
    loans: tuple[LoanInCase, ...], event: LoanJoinedCase | LoanLeftCase | LoanBalanceNoted
) -> tuple[LoanInCase, ...]:
    others = tuple(loan for loan in loans if loan.loan_id != event.loan_id)
    match event:
        case LoanJoinedCase(loan_id=loan_id):
            return (*others, LoanInCase(loan_id=loan_id))
        case LoanLeftCase():
            return others
        case LoanBalanceNoted():
            noted = LoanInCase(
                loan_id=event.loan_id, currency=event.currency, due_minor=event.due_minor,
                payoff_minor=event.payoff_minor, as_of=event.as_of,
            )  # fmt: skip
            return tuple(noted if loan.loan_id == event.loan_id else loan for loan in loans)


def _unplanned(treatment: Treatment | None) -> Treatment | None:
    """What a hold interrupts is planned anew when it ends; nothing is lost by the silence."""
    if treatment is None:
        return None
    steps = tuple(
        msgspec.structs.replace(s, planned_on=None, try_at=None, last_result="") if s.pending else s
        for s in treatment.steps
    )
    return msgspec.structs.replace(treatment, steps=steps)


def _progress(treatment: Treatment, event: Event) -> Treatment:
    match event:
        case StepPlanned():
            return _with(
                treatment, event.step_no, planned_on=event.on, try_at=event.try_at, last_result="",
                contact_point_id=event.contact_point_id,
            )  # fmt: skip
        case StepTried():
            tried = next((s.tries for s in treatment.steps if s.no == event.step_no), 0)
            return _with(treatment, event.step_no, tries=tried + 1, try_at=event.retry_at, last_result=event.result)
        case StepDone():
            return _with(treatment, event.step_no, done_on=event.on, try_at=None)
        case TreatmentExhausted():
            return msgspec.structs.replace(treatment, exhausted=True)
        case _:
            raise CorruptStream(f"{type(event).__name__} is no event of a case")


def _with(treatment: Treatment, step_no: int, **changes: object) -> Treatment:
    steps = tuple(msgspec.structs.replace(s, **changes) if s.no == step_no else s for s in treatment.steps)
    return msgspec.structs.replace(treatment, steps=steps)


def wakes_on(state: CaseState) -> date | None:
    """Return the business day at whose close the case has something to decide."""
    if isinstance(state, NoCase):
        return None
    if state.holds:
        return min((hold.until for hold in state.holds if hold.until), default=None)
    treatment = state.treatment
    if treatment is None or treatment.exhausted:
        return None
    pending = [s.planned_on for s in treatment.steps if s.pending and s.planned_on]
    if pending:
        return min(pending)
    return treatment.todo[0].due_on - ONE_DAY if treatment.todo else treatment.last_done_on + ONE_DAY


def wakes_at(state: CaseState) -> datetime | None:
    """Return the instant at which an automatic step wants to ask the gate."""
    if isinstance(state, NoCase) or state.holds or state.treatment is None:
        return None
    return min((s.try_at for s in state.treatment.steps if s.pending and s.try_at), default=None)
