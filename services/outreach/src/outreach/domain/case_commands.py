"""What can be asked of a person's collection case. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from arrears.events.outreach import HoldReason
from arrears.events.scoring import ContactChannel, TreatmentSelected
from outreach.domain.case_state import LoanInCase
from outreach.domain.gate import KnownPoint

CloseReason = Literal["cured", "paid_off", "settled", "sold", "uncollectable", "deceased"]


@dataclass(frozen=True, slots=True)
class AddOverdueLoan:
    """A loan of the person is overdue as of `on`: it opens the case, or joins the open one."""

    debtor_id: str
    loan: LoanInCase
    stage: str
    on: date
    points: tuple[KnownPoint, ...]


@dataclass(frozen=True, slots=True)
class ReopenLoan:
    """The cure of a loan that was in a case before is undone; what it owes follows by NoteBalance."""

    debtor_id: str
    loan_id: str
    stage: str
    on: date
    points: tuple[KnownPoint, ...]


@dataclass(frozen=True, slots=True)
class NoteBalance:
    """Ingest says what a loan owes."""

    loan: LoanInCase


@dataclass(frozen=True, slots=True)
class KeepTreatment:
    """Scoring chose a treatment on the day `on`; it is kept if the case has not opened yet."""

    selected: TreatmentSelected
    on: date
    points: tuple[KnownPoint, ...]


@dataclass(frozen=True, slots=True)
class CloseDay:
    """The business day `on` is over: end what was planned for it, plan what falls due next."""

    on: date
    points: tuple[KnownPoint, ...]


@dataclass(frozen=True, slots=True)
class NoteTry:
    """The gate was asked for a step."""

    step_no: int
    attempt_id: str
    result: Literal["permitted", "blocked", "released"]
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class FinishStep:
    """A contact took place on `on`: the step of that number, or the planned one of that channel, is done."""

    step_no: int | None
    channel: ContactChannel
    on: date


@dataclass(frozen=True, slots=True)
class HoldCase:
    """Press no contact on the person until released."""

    reason: HoldReason
    ref: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """One hold is over."""

    reason: HoldReason
    ref: str


@dataclass(frozen=True, slots=True)
class CureLoan:
    """Nothing overdue is left on a loan; the last one closes the case."""

    loan_id: str
    on: date
    paid_off: bool


@dataclass(frozen=True, slots=True)
class CloseCase:
    """End the case whatever is owed."""

    reason: CloseReason
    on: date


Command = (
    AddOverdueLoan | ReopenLoan | NoteBalance | KeepTreatment | CloseDay | NoteTry | FinishStep | HoldCase | ReleaseCase
    | CureLoan | CloseCase
)  # fmt: skip
