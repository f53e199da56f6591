"""The debtor's case, the collectors' work, and the common timeline."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from arrears.http.etags import etag
from arrears.http.pages import Cursor, Page, Paging, page_of
from arrears.http.problems import Problem
from arrears.runtime import Runtime
from outreach.adapters.readers import call_list, promises_of_debtor
from outreach.domain.case_state import NoCase, OpenCase, Step
from outreach.domain.contact_state import Contacts
from outreach.domain.refusals import NoCaseKnown
from outreach.use_cases.streams import case_of, contacts_of


class LoanAnswer(BaseModel):
    """A loan of the case with what ingest last said it owes, in minor units."""

    loan_id: str
    currency: str
    due_minor: int | None
    payoff_minor: int | None
    as_of: date | None


class HoldAnswer(BaseModel):
    """A reason for silence."""

    reason: str
    ref: str
    until: date | None


class StepAnswer(BaseModel):
    """A step of the treatment."""

    no: int
    channel: str
    template_id: str
    due_on: date
    planned_on: date | None
    try_at: datetime | None
    done_on: date | None


class PointAnswer(BaseModel):
    """A way to reach the person; its value stays sealed."""

    contact_point_id: str
    kind: str
    owner: str
    zones: list[str]
    wrong: bool


class PromiseRow(BaseModel):
    """A promise of the debtor."""

    promise_id: str
    loan_ids: list[str]
    currency: str
    total_minor: int
    promised_on: date
    last_due_on: date
    status: str
    status_on: date | None


class CaseAnswer(BaseModel):
    """The debtor's case as the log has it now."""

    debtor_id: str
    status: Literal["open", "held", "closed"]
    case_id: str | None = None
    opened_on: date | None = None
    loans: list[LoanAnswer] = []
    holds: list[HoldAnswer] = []
    strategy: str | None = None
    treatment_id: str | None = None
    exhausted: bool = False
    steps: list[StepAnswer] = []
    contact_points: list[PointAnswer] = []
    contacts_stopped: str
    promises: list[PromiseRow] = []


class WorkRow(BaseModel):
    """One piece of work for a collector: whom, about which case, by which channel, why."""

    debtor_id: str
    case_id: str
    step_no: int
    channel: str
    template_id: str
    contact_point_id: str
    loan_ids: list[str]
    planned_on: date
    stage: str
    total_overdue_minor: int
    currency: str
    why: str


def case_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of cases."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/debtors/{debtor_id}/case")
    async def get_case(debtor_id: Annotated[str, Path(max_length=64)], response: Response) -> CaseAnswer:
        """Return the debtor's case; the ETag is the version of its stream."""
        work = runtime.store.work(runtime.clock.now())
        await work.load((case_of(debtor_id), contacts_of(debtor_id)))
        case, contacts = await work.state(case_of(debtor_id)), await work.state(contacts_of(debtor_id))
        if isinstance(case, NoCase) and not case.episodes:
            raise NoCaseKnown("no loan of this debtor was ever overdue, as far as outreach has heard")
        response.headers.update(etag(work.streams[case_of(debtor_id).key].version))
        return _answer(debtor_id, case, contacts, await promises_of_debtor(runtime.database, debtor_id))

    @router.get("/v1/call-list")
    async def get_call_list(paging: Paging) -> Page[WorkRow]:
        """Return the work that waits for collectors, the oldest first."""
        rows = await call_list(runtime.database, _after(paging.after), paging.limit + 1)
        found = [WorkRow.model_validate(row) for row in rows]
        return page_of(found, paging, lambda each: (each.planned_on.isoformat(), each.case_id, each.step_no))

    return router


def _answer(debtor_id: str, case: NoCase | OpenCase, contacts: Contacts, promises: list[dict[str, Any]]) -> CaseAnswer:
    rows = [PromiseRow.model_validate(row) for row in promises]
    points = [PointAnswer.model_validate(p, from_attributes=True) for p in contacts.points]
    if isinstance(case, NoCase):
        return CaseAnswer(
            debtor_id=debtor_id, status="closed", contact_points=points, contacts_stopped=contacts.stopped,
            promises=rows,
        )  # fmt: skip
    treatment = case.treatment
    return CaseAnswer(
        debtor_id=debtor_id, status="held" if case.holds else "open", case_id=case.case_id, opened_on=case.opened_on,
        loans=[LoanAnswer.model_validate(loan, from_attributes=True) for loan in case.loans],
        holds=[HoldAnswer.model_validate(hold, from_attributes=True) for hold in case.holds],
        strategy=f"{treatment.strategy_id} v{treatment.version}" if treatment else None,
        treatment_id=treatment.treatment_id if treatment else None,
        exhausted=treatment.exhausted if treatment else False,
        steps=[_step(step) for step in treatment.steps] if treatment else [],
        contact_points=points, contacts_stopped=contacts.stopped, promises=rows,
    )  # fmt: skip


def _step(step: Step) -> StepAnswer:
    return StepAnswer.model_validate(step, from_attributes=True)


def _after(cursor: Cursor | None) -> tuple[date, str, int] | None:
    if cursor is None:
        return None
    try:
        on, case_id, step_no = cursor
        return date.fromisoformat(str(on)), str(case_id), int(step_no)
    except ValueError as error:
        raise Problem(400, "cursor-invalid", "the cursor is not one that this service gave") from error
