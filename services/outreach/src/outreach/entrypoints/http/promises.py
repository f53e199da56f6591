"""Promises to pay."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from arrears.auth.enforcement import CurrentPrincipal
from arrears.events.outreach import PromisePart
from arrears.eventstore.commands import IdempotencyKey as CommandKey
from arrears.eventstore.work import Work
from arrears.http.idempotency import IdempotencyKey
from arrears.runtime import Runtime
from outreach.use_cases.cause import because_of_person
from outreach.use_cases.take_promise import Offer, take_promise


class PartRequest(BaseModel):
    """A part of the promise, in minor units of the loan's currency."""

    due_on: date
    amount_minor: int = Field(gt=0, lt=2**53)


class PromiseRequest(BaseModel):
    """What the debtor promises about one loan; `supersedes` names the open promise that it replaces."""

    debtor_id: str = Field(min_length=1, max_length=64)
    loan_id: str = Field(min_length=1, max_length=64)
    parts: list[PartRequest] = Field(min_length=1, max_length=12)
    attempt_id: str = Field(default="", max_length=64)
    pay_channel: Literal["transfer", "wallet", "card", "auto_debit", "cash_branch"] = "transfer"
    made_by: Literal["debtor", "guarantor"] = "debtor"
    supersedes: str = Field(default="", max_length=64)


class PromiseAnswer(BaseModel):
    """The promise as it was taken."""

    promise_id: str
    case_id: str
    total_minor: int
    currency: str
    promised_on: date
    grace_days: int
    event_ids: list[str]


def promise_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of promises."""
    router = APIRouter(tags=["promises"])

    @router.post("/v1/promises", status_code=201)
    async def post_promise(body: PromiseRequest, key: IdempotencyKey, principal: CurrentPrincipal) -> PromiseAnswer:
        """Take a promise to pay; contacts rest until it is kept or broken."""
        parts = tuple(
            PromisePart(no=no, due_on=part.due_on, amount_minor=part.amount_minor)
            for no, part in enumerate(body.parts, start=1)
        )
        offer = Offer(
            body.debtor_id, body.loan_id, parts, f"user:{principal.subject}", body.attempt_id, body.pay_channel,
            body.made_by, body.supersedes,
        )  # fmt: skip

        async def take(work: Work) -> dict[str, Any]:
            made = await take_promise(offer, because_of_person(principal.subject, principal.tenant), work)
            return {
                "promise_id": made.promise_id, "case_id": made.case_id, "total_minor": made.total_minor,
                "currency": made.currency, "promised_on": made.promised_on, "grace_days": made.grace_days,
            }  # fmt: skip

        command_key = CommandKey.of(principal.subject, key, b"POST /v1/promises", body.model_dump_json().encode())
        answer = await runtime.commands.run(take, command_key)
        return PromiseAnswer(**answer.response, event_ids=list(answer.event_ids))

    return router
