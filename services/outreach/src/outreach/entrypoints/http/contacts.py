"""Contacts: ask the gate, take a permit, say what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, Field

from arrears.auth.enforcement import CurrentPrincipal
from arrears.auth.principal import Principal
from arrears.events.outreach import ContactBlocked, Disposition, FailedRule, Party
from arrears.events.scoring import ContactChannel
from arrears.eventstore.commands import IdempotencyKey as CommandKey
from arrears.eventstore.work import Work
from arrears.http.idempotency import IdempotencyKey
from arrears.runtime import Runtime
from arrears.values.identity import derived_id
from outreach.adapters.readers import facts_complete
from outreach.domain.contact import RecordAttempt
from outreach.domain.contact_state import Contacts
from outreach.domain.refusals import UnknownAttempt
from outreach.use_cases.cause import because_of_person
from outreach.use_cases.record_outcome import record_outcome
from outreach.use_cases.request_contact import Wish, preview_contact, request_contact
from outreach.use_cases.streams import contacts_of

AttemptId = Annotated[str, Path(max_length=64)]


class ContactWish(BaseModel):
    """A contact that the caller wants to make; without a contact point the debtor's own first one is taken.

    `step_no` names the step of the treatment that it carries out, as the call list shows it.
    """

    debtor_id: str = Field(min_length=1, max_length=64)
    channel: ContactChannel = "voice"
    contact_point_id: str = Field(default="", max_length=64)
    purpose: Literal["collection", "service"] = "collection"
    template_id: str = Field(default="", max_length=64)
    step_no: int | None = Field(default=None, ge=0, le=10_000)


class DecisionWish(ContactWish):
    """As a contact; with `dry_run` nothing is reserved and nothing kept."""

    dry_run: bool = True


class FailedRuleAnswer(BaseModel):
    """A rule that denied, with what it saw and where it stands written."""

    rule_id: str
    reason_code: str
    citation: str
    observed: dict[str, str]


class DecisionAnswer(BaseModel):
    """The gate's answer; a permit is good until `valid_until`, a denial may be cured by time at `not_before`."""

    permitted: bool
    attempt_id: str | None = None
    valid_until: datetime | None = None
    local_time: str | None = None
    failed: list[FailedRuleAnswer] = []
    not_before: datetime | None = None
    pack_version: str
    event_ids: list[str] = []


class OutcomeReport(BaseModel):
    """What came of a permitted contact; `started_at` defaults to the moment of its permit."""

    debtor_id: str = Field(min_length=1, max_length=64)
    disposition: Disposition
    party: Party = "none"
    started_at: AwareDatetime | None = None
    duration_seconds: int = Field(default=0, ge=0, le=86_400)
    recording_ref: str = Field(default="", max_length=200)
    demand_made: bool = False


class OutcomeAnswer(BaseModel):
    """The contact as it is recorded."""

    attempt_id: str
    status: str
    event_ids: list[str]


def contact_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of contacts."""
    router = APIRouter(tags=["contacts"])

    @router.post("/v1/contact-decisions")
    async def post_decision(body: DecisionWish, key: IdempotencyKey, principal: CurrentPrincipal) -> DecisionAnswer:
        """Ask whether a contact may be made now; with `dry_run` (the default) nothing is reserved."""
        if body.dry_run:
            return await _preview(runtime, body, key, principal)
        return await _reserve(runtime, "/v1/contact-decisions", body, key, principal)

    @router.post("/v1/contacts")
    async def post_contact(body: ContactWish, key: IdempotencyKey, principal: CurrentPrincipal) -> DecisionAnswer:
        """Ask for a permit: the contact must begin within its minute, and its outcome is then reported."""
        return await _reserve(runtime, "/v1/contacts", body, key, principal)

    @router.post("/v1/contacts/{attempt_id}/outcome")
    async def post_outcome(
        attempt_id: AttemptId, body: OutcomeReport, key: IdempotencyKey, principal: CurrentPrincipal
    ) -> OutcomeAnswer:
        """Report what came of a permitted contact."""

        async def record(work: Work) -> dict[str, Any]:
            cause = because_of_person(principal.subject, principal.tenant)
            outcome = await _outcome(attempt_id, body, principal, work)
            await record_outcome(body.debtor_id, outcome, cause, work)
            return {"attempt_id": attempt_id, "status": "attempted"}

        path = f"POST /v1/contacts/{attempt_id}/outcome".encode()
        command_key = CommandKey.of(principal.subject, key, path, body.model_dump_json().encode())
        answer = await runtime.commands.run(record, command_key)
        return OutcomeAnswer(**answer.response, event_ids=list(answer.event_ids))

    return router


async def _wish(runtime: Runtime, body: ContactWish, key: str, principal: Principal) -> Wish:
    return Wish(
        attempt_id=derived_id("attempt", principal.subject, key), debtor_id=body.debtor_id, channel=body.channel,
        requested_by=f"user:{principal.subject}", contact_point_id=body.contact_point_id, purpose=body.purpose,
        template_id=body.template_id, step_no=body.step_no,
        facts_complete=await facts_complete(runtime.database, body.debtor_id),
    )  # fmt: skip


async def _preview(runtime: Runtime, body: ContactWish, key: str, principal: Principal) -> DecisionAnswer:
    wish = await _wish(runtime, body, key, principal)
    work = runtime.store.work(runtime.clock.now())
    async with runtime.database.connection() as connection:
        work.feeds = await runtime.inbox.feeds(connection)
    verdict = await preview_contact(wish, work)
    return DecisionAnswer(
        permitted=verdict.permitted, local_time=verdict.local_time, failed=_failed(verdict.failed),
        not_before=verdict.not_before, pack_version=verdict.pack_version,
    )  # fmt: skip


async def _reserve(runtime: Runtime, path: str, body: ContactWish, key: str, principal: Principal) -> DecisionAnswer:
    wish = await _wish(runtime, body, key, principal)

    async def ask(work: Work) -> dict[str, Any]:
        event = await request_contact(wish, because_of_person(principal.subject, principal.tenant), work)
        if isinstance(event, ContactBlocked):
            failed = [each.model_dump() for each in _failed(event.failed)]
            return {
                "permitted": False, "attempt_id": event.attempt_id, "failed": failed,
                "not_before": event.next_allowed_at, "pack_version": event.pack_version,
            }  # fmt: skip
        return {
            "permitted": True, "attempt_id": event.attempt_id, "valid_until": event.valid_until,
            "local_time": event.local_time, "pack_version": event.pack_version,
        }  # fmt: skip

    command_key = CommandKey.of(principal.subject, key, f"POST {path}".encode(), body.model_dump_json().encode())
    answer = await runtime.commands.run(ask, command_key)
    return DecisionAnswer(**answer.response, event_ids=list(answer.event_ids))


async def _outcome(attempt_id: str, body: OutcomeReport, principal: Principal, work: Work) -> RecordAttempt:
    contacts: Contacts = await work.state(contacts_of(body.debtor_id))
    attempt = contacts.attempt(attempt_id)
    if attempt is None:
        raise UnknownAttempt(f"there is no permit {attempt_id}", attempt_id=attempt_id)
    return RecordAttempt(
        attempt_id, body.started_at or attempt.permitted_at, body.duration_seconds, body.disposition, body.party,
        "human", collector_id=principal.subject, recording_ref=body.recording_ref, demand_made=body.demand_made,
    )  # fmt: skip


def _failed(rules: tuple[FailedRule, ...]) -> list[FailedRuleAnswer]:
    return [
        FailedRuleAnswer(rule_id=r.rule_id, reason_code=r.reason_code, citation=r.citation, observed=r.observed)
        for r in rules
    ]
