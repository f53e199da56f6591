"""The person behind loans: who it is at which source, and how to reach them. All personal values arrive sealed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from arrears.decider import Decider
from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from ingest.domain.refusals import DebtorUnknown

PointKind = Literal["mobile", "landline", "email", "postal", "wechat", "push"]


class DebtorState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a person: no personal value, only references."""

    known: bool = False
    language: Literal["zh", "en"] = "zh"
    zone: str = ""
    points: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterDebtor:
    """Make a person known; again changes nothing."""

    source: str
    customer_ref: str
    name_sealed: str
    language: Literal["zh", "en"]
    zone: str


@dataclass(frozen=True, slots=True)
class UpdateDebtor:
    """Take over changed data; `change_ref` makes a repetition recognisable."""

    change_ref: str
    name_sealed: str
    language: Literal["zh", "en"]
    zone: str


@dataclass(frozen=True, slots=True)
class AddContactPoint:
    """Add a way to reach the person; `contact_point_id` follows from person, kind and value, so a repeat is known."""

    contact_point_id: str
    kind: PointKind
    value_sealed: str
    zones: tuple[str, ...]


DebtorCommand = RegisterDebtor | UpdateDebtor | AddContactPoint


def decide(command: DebtorCommand, debtor: DebtorState) -> tuple[Event, ...]:
    """Return what `command` causes; nothing when it has worked before.

    Raises:
        DebtorUnknown: the person was never registered.
    """
    match command:
        case RegisterDebtor(source, customer_ref, name, language, zone):
            if debtor.known:
                return ()
            registered = e.DebtorRegistered(
                source=source, customer_ref=customer_ref, name_sealed=name, language=language, zone=zone
            )
            return (registered,)
        case _ if not debtor.known:
            raise DebtorUnknown("the person was never registered")
        case UpdateDebtor(change_ref, name, language, zone):
            if change_ref in debtor.changes:
                return ()
            return (e.DebtorUpdated(change_ref=change_ref, name_sealed=name, language=language, zone=zone),)
        case AddContactPoint(contact_point_id, kind, value, zones):
            if contact_point_id in debtor.points:
                return ()
            added = e.ContactPointAdded(contact_point_id=contact_point_id, kind=kind, value_sealed=value, zones=zones)
            return (added,)


def evolve(debtor: DebtorState, event: Event) -> DebtorState:
    """Return `debtor` after `event`.

    Raises:
        CorruptStream: the event is none of a person's.
    """
    match event:
        case e.DebtorRegistered():
            return replace(debtor, known=True, language=event.language, zone=event.zone)
        case e.DebtorUpdated():
            changes = (*debtor.changes, event.change_ref)
            return replace(debtor, language=event.language, zone=event.zone, changes=changes)
        case e.ContactPointAdded():
            return replace(debtor, points=(*debtor.points, event.contact_point_id))
        case _:
            raise CorruptStream(f"{type(event).__name__} is no event of a person")


DEBTOR: Final[Decider[DebtorCommand, DebtorState]] = Decider(
    name="debtor", initial=DebtorState(), decide=decide, evolve=evolve, state_type=DebtorState
)
