"""Four eyes: a decision that takes effect only when enough people other than the one who asked have granted it. Pure.

A service embeds `Approval` in the state of the stream that the decision is about: the functions here return the events,
`evolve` folds them. What a complete approval causes is the embedding decider's business, in the same command, so that
no moment exists in which the decision is granted and has no effect.

    open ── granted (as many different people as needed) | refused (one person) | expired (too late, subject gone)
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Literal, TypeGuard

import msgspec

from arrears.events.approvals import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    Subject,
)
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from arrears.refusals import Forbidden, InvalidCommand, NotFound, Refusal

Status = Literal["open", "granted", "refused", "expired"]


class ApprovalNotFound(NotFound):
    """Nobody has asked for this decision."""


class ApprovalEnded(Refusal):
    """The approval was granted, refused, expired, or its last day has passed."""


class ApprovalPending(Refusal):
    """The same decision has been asked for and is still open."""


class SelfApproval(Forbidden):
    """Who asked for a decision may not grant it."""


class RoleNotEligible(Forbidden):
    """None of the person's roles may decide this."""


class AlreadyGranted(Refusal):
    """This person's grant is counted; another person must decide."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One decision asked for; `valid_until` is the last business date on which it may be granted."""

    approval_id: str
    requested_by: str
    roles: tuple[str, ...]
    needed: int
    valid_until: date
    granted_by: tuple[str, ...] = ()
    status: Status = "open"


def request(
    current: Approval | None, *, approval_id: str, subject: Subject, subject_id: str, requested_by: str,
    roles: tuple[str, ...], needed: int, reason: str, valid_until: date,
) -> tuple[ApprovalRequested, ...]:  # fmt: skip
    """Ask for a decision. Asking again with the same id changes nothing.

    Raises:
        ApprovalPending: another request for it is open.
        InvalidCommand: nobody could ever grant it (no role, nobody needed).
    """
    if current is not None and current.approval_id == approval_id:
        return ()
    if current is not None and current.status == "open":
        raise ApprovalPending("this decision is already waiting for approval", approval_id=current.approval_id)
    if not roles or needed < 1:
        raise InvalidCommand("an approval needs at least one person with at least one role", needed=needed)
    return (
        ApprovalRequested(
            approval_id=approval_id, subject=subject, subject_id=subject_id, requested_by=requested_by, roles=roles,
            approvals_needed=needed, reason=reason, valid_until=valid_until,
        ),
    )  # fmt: skip


def grant(approval: Approval | None, *, by: str, roles: Collection[str], on: date) -> tuple[ApprovalGranted, ...]:
    """Grant it in the name of `by`, whose roles are `roles`, on the business date `on`.

    Raises:
        ApprovalNotFound: nobody asked.
        ApprovalEnded: it is decided or too late.
        SelfApproval: `by` asked for it.
        RoleNotEligible: none of the roles may decide it.
        AlreadyGranted: `by` has granted it before.
    """
    open_one = _open(approval, on)
    if by == open_one.requested_by:
        raise SelfApproval("who asked for a decision may not grant it", approval_id=open_one.approval_id)
    role = _eligible(open_one, roles)
    if by in open_one.granted_by:
        raise AlreadyGranted("one person counts once; another person must grant it", approval_id=open_one.approval_id)
    complete = len(open_one.granted_by) + 1 >= open_one.needed
    return (ApprovalGranted(approval_id=open_one.approval_id, granted_by=by, role=role, complete=complete),)


def refuse(
    approval: Approval | None, *, by: str, roles: Collection[str], reason: str, on: date
) -> tuple[ApprovalRefused, ...]:
    """Refuse it, which ends it. Who asked may do so too: taking a request back needs no second pair of eyes.

    Raises:
        ApprovalNotFound: nobody asked.
        ApprovalEnded: it is decided or too late.
        RoleNotEligible: none of the roles may decide it.
    """
    open_one = _open(approval, on)
    role = _eligible(open_one, roles)
    return (ApprovalRefused(approval_id=open_one.approval_id, refused_by=by, role=role, reason=reason),)


def expire(
    approval: Approval | None, *, on: date, reason: Literal["too_late", "subject_gone"]
) -> tuple[ApprovalExpired, ...]:
    """End it undecided: at the close of its last day, or at once when its subject fell away.

    Nothing happens to an approval that has ended, or that is asked to be too late before its last day closes.
    """
    if approval is None or approval.status != "open":
        return ()
    if reason == "too_late" and on < approval.valid_until:
        return ()
    return (ApprovalExpired(approval_id=approval.approval_id, on=on, reason=reason),)


def evolve(approval: Approval | None, event: Event) -> Approval:
    """Return the approval after `event`.

    Raises:
        CorruptStream: the event cannot follow.
    """
    match event:
        case ApprovalRequested() if approval is None or approval.status != "open":
            return Approval(
                approval_id=event.approval_id, requested_by=event.requested_by, roles=event.roles,
                needed=event.approvals_needed, valid_until=event.valid_until,
            )  # fmt: skip
        case ApprovalGranted() if _follows(approval, event.approval_id):
            status: Status = "granted" if event.complete else "open"
            granted = (*approval.granted_by, event.granted_by)
            return msgspec.structs.replace(approval, granted_by=granted, status=status)
        case ApprovalRefused() if _follows(approval, event.approval_id):
            return msgspec.structs.replace(approval, status="refused")
        case ApprovalExpired() if _follows(approval, event.approval_id):
            return msgspec.structs.replace(approval, status="expired")
        case _:
            raise CorruptStream(f"{type(event).__name__} cannot follow {approval}")


def wakes_on(approval: Approval | None) -> date | None:
    """Return the business date at whose close an open approval expires."""
    return approval.valid_until if approval is not None and approval.status == "open" else None


def _follows(approval: Approval | None, approval_id: str) -> TypeGuard[Approval]:
    return approval is not None and approval.status == "open" and approval.approval_id == approval_id


def _open(approval: Approval | None, on: date) -> Approval:
    if approval is None:
        raise ApprovalNotFound("nobody has asked for this decision")
    if approval.status != "open":
        raise ApprovalEnded(f"this approval is {approval.status}", approval_id=approval.approval_id)
    if on > approval.valid_until:
        raise ApprovalEnded(
            f"this approval could be decided until {approval.valid_until}", approval_id=approval.approval_id
        )
    return approval


def _eligible(approval: Approval, roles: Collection[str]) -> str:
    """Return the first role named by the approval that the person has."""
    for role in approval.roles:
        if role in roles:
            return role
    raise RoleNotEligible(f"only {' or '.join(approval.roles)} may decide this", approval_id=approval.approval_id)
