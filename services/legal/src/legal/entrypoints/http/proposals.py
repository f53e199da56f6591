"""Proposals to go the legal way: read them, grant them, refuse them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from arrears.auth.enforcement import CurrentPrincipal
from arrears.auth.principal import Principal
from arrears.eventstore.commands import IdempotencyKey as CommandKey
from arrears.eventstore.work import Work
from arrears.http.idempotency import IdempotencyKey
from arrears.http.pages import Page, Paging, page_of
from arrears.http.problems import Problem
from arrears.runtime import Runtime
from legal.adapters.readers import proposal, proposals
from legal.use_cases.cause import because_of_person
from legal.use_cases.decide_proposal import Person, grant_escalation, refuse_escalation

ApprovalId = Annotated[str, Path(max_length=64)]


class ProposalAnswer(BaseModel):
    """A proposal as the inbox shows it; amounts are minor units of `currency`."""

    approval_id: str
    status: str
    case_id: str
    debtor_id: str
    loan_ids: list[str]
    currency: str
    expected_net_minor: int
    cost_minor: int
    reasons: list[str]
    proposed_on: date
    requested_by: str
    roles: list[str]
    approvals_needed: int
    granted_by: list[str]
    valid_until: date
    ended_by: str | None
    ended_reason: str | None


class RefusalRequest(BaseModel):
    """Why the proposal is refused; the reason is kept for good, so it must not hold personal data."""

    reason: str = Field(min_length=1, max_length=500)


class DecisionAnswer(BaseModel):
    """How the proposal stands after the decision; `legal_case_id` once the debt is escalated."""

    approval_id: str
    status: Literal["open", "granted", "refused", "expired"]
    granted_by: list[str]
    approvals_needed: int
    legal_case_id: str | None
    event_ids: list[str]


def proposal_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of proposals."""
    router = APIRouter(tags=["proposals"])

    @router.get("/v1/proposals")
    async def get_proposals(
        paging: Paging, status: Annotated[Literal["open", "granted", "refused", "expired"], Query()] = "open"
    ) -> Page[ProposalAnswer]:
        """Return proposals, those that expire first at the top."""
        rows = await proposals(runtime.database, status, _after(paging.after), paging.limit + 1)
        found = [ProposalAnswer.model_validate(row) for row in rows]
        return page_of(found, paging, lambda each: (each.valid_until.isoformat(), each.approval_id))

    @router.post("/v1/proposals/{approval_id}/approvals")
    async def post_approval(
        approval_id: ApprovalId, key: IdempotencyKey, principal: CurrentPrincipal
    ) -> DecisionAnswer:
        """Grant the proposal; the last grant needed escalates the debt."""
        found, cause = await proposal(runtime.database, approval_id), _cause(principal)

        async def grant(work: Work) -> dict[str, Any]:
            return await grant_escalation(found, _person(principal), cause, work)

        request = f"POST /v1/proposals/{approval_id}/approvals".encode()
        answer = await runtime.commands.run(grant, CommandKey.of(principal.subject, key, request))
        return DecisionAnswer(**answer.response, event_ids=list(answer.event_ids))

    @router.post("/v1/proposals/{approval_id}/refusals")
    async def post_refusal(
        approval_id: ApprovalId, body: RefusalRequest, key: IdempotencyKey, principal: CurrentPrincipal
    ) -> DecisionAnswer:
        """Refuse the proposal, which ends it."""
        found, cause = await proposal(runtime.database, approval_id), _cause(principal)

        async def refuse(work: Work) -> dict[str, Any]:
            return await refuse_escalation(found, _person(principal), body.reason, cause, work)

        request = f"POST /v1/proposals/{approval_id}/refusals".encode()
        command_key = CommandKey.of(principal.subject, key, request, body.model_dump_json().encode())
        answer = await runtime.commands.run(refuse, command_key)
        return DecisionAnswer(**answer.response, event_ids=list(answer.event_ids))

    return router


def _person(principal: Principal) -> Person:
    return Person(principal.subject, frozenset(role.value for role in principal.roles))


def _cause(principal: Principal) -> Any:
    return because_of_person(principal.subject, principal.tenant)


def _after(cursor: tuple[str | int, ...] | None) -> tuple[date, str] | None:
    if cursor is None:
        return None
    try:
        on, approval_id = cursor
        return date.fromisoformat(str(on)), str(approval_id)
    except ValueError as error:
        raise Problem(400, "cursor-invalid", "the cursor is not one that this service gave") from error
