"""Contacts of one person: the ways to reach them, the permits, the attempts and what counts against the limits. Pure.

One stream a person, so that every use of a limit is decided against every other: two permits can never share the last
slot. A stop (no case, hold, payment) stands in this stream too, for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from arrears.decider import Decider
from arrears.events.outreach import (
    ContactAttempted,
    ContactBlocked,
    ContactPermitted,
    ContactPointNoted,
    ContactReleased,
    ContactsAllowed,
    ContactsStopped,
    Disposition,
    MessageDelivered,
    Party,
)
from arrears.events.registry import Event
from outreach.domain.contact_state import Attempt, Contacts, Receipt, evolve, wakes_at
from outreach.domain.gate import ContactRequest, Counted, Facts, KnownPoint, Verdict, judge
from outreach.domain.pack import Pack
from outreach.domain.refusals import ContactOutsidePermit, PermitReleased, UnknownAttempt

ReleaseReason = Literal["expired", "provider_failed", "stopped"]


@dataclass(frozen=True, slots=True)
class NotePoint:
    """Ingest knows a way to reach the person."""

    point: KnownPoint


@dataclass(frozen=True, slots=True)
class SetStop:
    """The case says whether contacts are allowed; `sparing` is the attempt in which the stop came about."""

    stopped: str
    case_id: str
    at: datetime
    sparing: str = ""


@dataclass(frozen=True, slots=True)
class RequestContact:
    """Ask the gate; a permit takes its slots at once."""

    request: ContactRequest
    case_id: str
    loan_ids: tuple[str, ...]
    owed_minor: int | None
    balances_as_of: datetime | None
    pack: Pack


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """Say what came of a permitted contact that began at `started_at`."""

    attempt_id: str
    started_at: datetime
    duration_seconds: int
    disposition: Disposition
    party: Party
    initiated_by: Literal["human", "bot", "dialer", "system"]
    collector_id: str = ""
    provider_ref: str = ""
    recording_ref: str = ""
    demand_made: bool = False


@dataclass(frozen=True, slots=True)
class ReleasePermit:
    """Give a permit back unused."""

    attempt_id: str
    reason: ReleaseReason
    at: datetime


@dataclass(frozen=True, slots=True)
class ExpirePermits:
    """Release every permit whose time is over at `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RecordReceipt:
    """The carrier, reader or post says what became of a message."""

    attempt_id: str
    receipt: Receipt
    at: datetime
    evidence_ref: str


Command = NotePoint | SetStop | RequestContact | RecordAttempt | ReleasePermit | ExpirePermits | RecordReceipt


def verdict_on(command: RequestContact, state: Contacts) -> Verdict:
    """Return what the gate says about a request, without reserving anything."""
    counted = tuple(
        Counted(channel=a.channel, contact_point_id=a.contact_point_id, at=a.permitted_at, conversation=a.conversation)
        for a in state.attempts
        if a.status != "void"
    )
    point = state.point(command.request.contact_point_id)
    facts = Facts(state.stopped, point, counted, command.owed_minor, command.balances_as_of)
    return judge(command.request, facts, command.pack)


def decide(command: Command, state: Contacts) -> tuple[Event, ...]:
    """Return what `command` causes; a denial of the gate is an event, no refusal.

    Raises:
        UnknownAttempt: no permit of that id is known.
        PermitReleased: the permit was given back because nothing was sent.
        ContactOutsidePermit: the contact began before its permit, or after it had ended.
    """
    match command:
        case NotePoint(point):
            return _note_point(point, state)
        case SetStop():
            return _set_stop(command, state)
        case RequestContact():
            return () if state.attempt(command.request.attempt_id) else (_ask_gate(command, state),)
        case RecordAttempt():
            return _record(command, _known(command.attempt_id, state))
        case ReleasePermit(attempt_id, reason, at):
            return _release(_known(attempt_id, state), reason, at)
        case ExpirePermits(at):
            due = [a for a in state.outstanding() if a.valid_until <= at]
            return tuple(event for a in due for event in _release(a, "expired", at))
        case RecordReceipt():
            return _receipt(command, _known(command.attempt_id, state))


def _note_point(point: KnownPoint, state: Contacts) -> tuple[Event, ...]:
    known = state.point(point.contact_point_id)
    if known is not None and msgspec.structs.replace(known, wrong=False) == point:
        return ()
    return (
        ContactPointNoted(
            contact_point_id=point.contact_point_id, kind=point.kind, owner=point.owner, zones=point.zones,
            value_sealed=point.value_sealed, sealed_in=point.sealed_in,
        ),
    )  # fmt: skip


def _set_stop(command: SetStop, state: Contacts) -> tuple[Event, ...]:
    if command.stopped == state.stopped:
        return ()
    if not command.stopped:
        return (ContactsAllowed(case_id=command.case_id),)
    void = [a for a in state.outstanding() if a.attempt_id != command.sparing]
    released = [ContactReleased(attempt_id=a.attempt_id, reason="stopped", at=command.at) for a in void]
    return (ContactsStopped(reason=command.stopped), *released)


def _ask_gate(command: RequestContact, state: Contacts) -> Event:
    asked, verdict = command.request, verdict_on(command, state)
    if verdict.permitted:
        return ContactPermitted(
            attempt_id=asked.attempt_id, case_id=command.case_id, loan_ids=command.loan_ids, channel=asked.channel,
            contact_point_id=asked.contact_point_id, template_id=asked.template_id, purpose=asked.purpose,
            pack_version=verdict.pack_version, slots=verdict.slots, permitted_at=asked.at,
            valid_until=asked.at + command.pack.permit_lifetime, local_time=verdict.local_time,
            requested_by=asked.requested_by, step_no=asked.step_no,
        )  # fmt: skip
    first = verdict.failed[0]
    return ContactBlocked(
        attempt_id=asked.attempt_id, case_id=command.case_id, channel=asked.channel,
        contact_point_id=asked.contact_point_id, reason_code=first.reason_code, rule_id=first.rule_id,
        pack_version=verdict.pack_version, failed=verdict.failed, decided_at=asked.at,
        next_allowed_at=verdict.not_before, requested_by=asked.requested_by, step_no=asked.step_no,
        loan_ids=command.loan_ids,
    )  # fmt: skip


def _known(attempt_id: str, state: Contacts) -> Attempt:
    attempt = state.attempt(attempt_id)
    if attempt is None:
        raise UnknownAttempt(f"there is no permit {attempt_id}", attempt_id=attempt_id)
    return attempt


def _record(command: RecordAttempt, attempt: Attempt) -> tuple[Event, ...]:
    if attempt.status == "attempted":
        return ()
    if attempt.status == "void":
        raise PermitReleased("the permit was given back, nothing was sent under it", attempt_id=attempt.attempt_id)
    last = min(attempt.valid_until, attempt.ended_at or attempt.valid_until)
    if not attempt.permitted_at <= command.started_at <= last:
        raise ContactOutsidePermit(
            "the contact began outside its permit", attempt_id=attempt.attempt_id,
            started_at=command.started_at.isoformat(), permitted_at=attempt.permitted_at.isoformat(),
            until=last.isoformat(),
        )  # fmt: skip
    return (
        ContactAttempted(
            attempt_id=attempt.attempt_id, case_id=attempt.case_id, loan_ids=attempt.loan_ids,
            channel=attempt.channel, direction="outbound", contact_point_id=attempt.contact_point_id,
            started_at=command.started_at, duration_seconds=command.duration_seconds,
            disposition=command.disposition, party=command.party, right_party=command.party == "debtor",
            initiated_by=command.initiated_by, collector_id=command.collector_id, template_id=attempt.template_id,
            provider_ref=command.provider_ref, recording_ref=command.recording_ref, demand_made=command.demand_made,
        ),
    )  # fmt: skip


def _release(attempt: Attempt, reason: ReleaseReason, at: datetime) -> tuple[Event, ...]:
    if attempt.status != "permitted":
        return ()
    return (ContactReleased(attempt_id=attempt.attempt_id, reason=reason, at=at),)


def _receipt(command: RecordReceipt, attempt: Attempt) -> tuple[Event, ...]:
    if command.receipt in attempt.receipts:
        return ()
    sent: tuple[Event, ...] = ()
    if attempt.status != "attempted":  # the receipt proves a sending whose own report was lost
        proof = RecordAttempt(
            attempt.attempt_id, attempt.permitted_at, 0, "MSG_SENT", "none", "system",
            provider_ref=command.evidence_ref, demand_made=True,
        )  # fmt: skip
        sent = _record(proof, attempt)
    delivered = MessageDelivered(
        attempt_id=attempt.attempt_id, receipt=command.receipt, at=command.at, evidence_ref=command.evidence_ref,
        demand=command.receipt in ("carrier", "read", "signed"),
    )  # fmt: skip
    return (*sent, delivered)


CONTACT: Final[Decider[Command, Contacts]] = Decider(
    name="contact", initial=Contacts(), decide=decide, evolve=evolve, state_type=Contacts, wakes_at=wakes_at
)
