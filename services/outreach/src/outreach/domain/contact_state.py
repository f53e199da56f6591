"""What the stream of a person's contacts knows: points, permits, attempts; and how events change it. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from arrears.events.outreach import (
    ContactAttempted,
    ContactBlocked,
    ContactPermitted,
    ContactPointNoted,
    ContactReleased,
    ContactsAllowed,
    ContactsStopped,
    MessageDelivered,
)
from arrears.events.registry import Event
from arrears.events.scoring import ContactChannel
from arrears.eventstore.errors import CorruptStream
from outreach.domain.gate import KnownPoint

Receipt = Literal["carrier", "read", "signed", "refused", "returned", "bounced"]

# A person answered: an effective conversation for CN.FREQ.TALK, counted strictly (no minimum length).
_CONVERSATIONS: Final = frozenset({
    "RPC_PTP", "RPC_PAID_CLAIM", "RPC_REFUSES", "RPC_HARDSHIP", "RPC_DISPUTE", "RPC_CALLBACK", "RPC_HUNG_UP",
    "RPC_CEASE", "RPC_REPRESENTED", "GUARANTOR_CONTACT", "TP_MESSAGE", "TP_REFUSED", "WRONG_NUMBER",
    "DECEASED_REPORTED",
})  # fmt: skip
_ANOTHERS: Final = frozenset({"WRONG_NUMBER", "TP_REFUSED"})
_KEPT: Final = timedelta(days=7)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A permit and what became of it.

    `expired` and `stopped` permits still count: their contact may have begun before, its outcome not yet told. Only
    `void` ones (the provider certainly did not send) give their slots back.
    """

    attempt_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    channel: ContactChannel
    contact_point_id: str
    template_id: str
    permitted_at: datetime
    valid_until: datetime
    status: Literal["permitted", "attempted", "ended", "void"] = "permitted"
    ended_at: datetime | None = None
    conversation: bool = True
    step_no: int | None = None
    receipts: tuple[Receipt, ...] = ()


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream knows: `stopped` is empty when contacts may be asked for."""

    stopped: str = "no_case"
    points: tuple[KnownPoint, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    def point(self, contact_point_id: str) -> KnownPoint | None:
        """Return the contact point of that id."""
        return next((p for p in self.points if p.contact_point_id == contact_point_id), None)

    def attempt(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of that id, if it is not older than a week."""
        return next((a for a in self.attempts if a.attempt_id == attempt_id), None)

    def outstanding(self) -> tuple[Attempt, ...]:
        """Return the permits that are neither used nor released."""
        return tuple(a for a in self.attempts if a.status == "permitted")


def evolve(state: Contacts, event: Event) -> Contacts:
    """Return the state after `event`.

    Raises:
        CorruptStream: the event does not belong to this kind of stream or names an unknown permit.
    """
    replace = msgspec.structs.replace
    match event:
        case ContactPointNoted():
            point = KnownPoint(
                contact_point_id=event.contact_point_id, kind=event.kind, owner=event.owner, zones=event.zones,
                value_sealed=event.value_sealed, sealed_in=event.sealed_in,
            )  # fmt: skip
            others = tuple(p for p in state.points if p.contact_point_id != point.contact_point_id)
            return replace(state, points=(*others, point))
        case ContactsStopped(reason=reason):
            return replace(state, stopped=reason)
        case ContactsAllowed():
            return replace(state, stopped="")
        case ContactBlocked():
            return state
        case ContactPermitted():
            return replace(state, attempts=(*_recent(state, event.permitted_at.date()), _permit(event)))
        case ContactAttempted():
            return _evolve_attempted(state, event)
        case ContactReleased(attempt_id=attempt_id, reason=reason, at=at):
            status: Literal["void", "ended"] = "void" if reason == "provider_failed" else "ended"
            return _with(state, attempt_id, status=status, ended_at=at)
        case MessageDelivered(attempt_id=attempt_id, receipt=receipt):
            known = state.attempt(attempt_id)
            return _with(state, attempt_id, receipts=(*(known.receipts if known else ()), receipt))
        case _:
            raise CorruptStream(f"{type(event).__name__} is no event of contacts")


def _permit(event: ContactPermitted) -> Attempt:
    return Attempt(
        attempt_id=event.attempt_id, case_id=event.case_id, loan_ids=event.loan_ids, channel=event.channel,
        contact_point_id=event.contact_point_id, template_id=event.template_id, permitted_at=event.permitted_at,
        valid_until=event.valid_until, step_no=event.step_no, conversation=event.channel == "voice",
    )  # fmt: skip


def _recent(state: Contacts, today: date) -> tuple[Attempt, ...]:
    return tuple(a for a in state.attempts if today - a.permitted_at.date() <= _KEPT or a.status == "permitted")


def _evolve_attempted(state: Contacts, event: ContactAttempted) -> Contacts:
    talked = event.channel == "voice" and event.disposition in _CONVERSATIONS
    state = _with(state, event.attempt_id, status="attempted", conversation=talked)
    if event.disposition not in _ANOTHERS:
        return state
    points = tuple(
        msgspec.structs.replace(p, wrong=True) if p.contact_point_id == event.contact_point_id else p
        for p in state.points
    )
    return msgspec.structs.replace(state, points=points)


def _with(state: Contacts, attempt_id: str, **changes: object) -> Contacts:
    if state.attempt(attempt_id) is None:
        raise CorruptStream(f"no permit {attempt_id} stands before its use")
    attempts = tuple(msgspec.structs.replace(a, **changes) if a.attempt_id == attempt_id else a for a in state.attempts)
    return msgspec.structs.replace(state, attempts=attempts)


def wakes_at(state: Contacts) -> datetime | None:
    """Return the instant at which the next unused permit is over."""
    return min((a.valid_until for a in state.outstanding()), default=None)
