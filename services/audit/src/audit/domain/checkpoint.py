"""Checkpoint: what audit has said about one service's log. Pure.

One stream a service. Once a violation stands in it, nothing is countersigned any more: a witness does not sign under a
log that it has seen to be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.audit import AuditCheckpointSigned, IntegrityViolationFound
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream

Kind = Literal["version_gap", "position_gap", "hash_mismatch", "bad_signature", "clock_order", "schema", "causation"]
MIN_PAUSE: Final = timedelta(minutes=1)
MAX_VIOLATIONS: Final = 100
"""A spoiled log could show a violation at every event; the first hundred are enough to send people to it."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a log is not what it should be; `position` is the first bad place."""

    kind: Kind
    position: int
    stream_key: str = ""
    detail: str = ""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The last countersigned head of a service, and every violation found so far."""

    signed_size: int = 0
    signed_root: str = ""
    signed_at: datetime | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class SignCheckpoint:
    """Record that a head was checked and countersigned."""

    service: str
    tree_size: int
    root_hash: str
    head_signature: str
    head_signed_at: datetime
    witness_signature: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportViolation:
    """Record that a log does not hold."""

    service: str
    violation: Violation
    at: datetime


Command = SignCheckpoint | ReportViolation


def decide(command: Command, state: Checkpoint) -> tuple[Event, ...]:
    """Return what the command causes: a checkpoint at most once a minute and only when the tree grew, a violation once."""
    match command:
        case SignCheckpoint():
            return (_signed(command),) if may_sign(state, command.tree_size, command.at) else ()
        case ReportViolation(service, violation, at):
            known = {(found.kind, found.position) for found in state.violations}
            if (violation.kind, violation.position) in known or len(known) >= MAX_VIOLATIONS:
                return ()
            return (
                IntegrityViolationFound(
                    service=service, kind=violation.kind, position=violation.position,
                    stream_key=violation.stream_key, detail=violation.detail, found_at=at,
                ),
            )  # fmt: skip


def may_sign(state: Checkpoint, tree_size: int, at: datetime) -> bool:
    """Say whether a head of `tree_size` would be countersigned at `at`."""
    rested = state.signed_at is None or at >= state.signed_at + MIN_PAUSE
    return not state.violations and tree_size > state.signed_size and rested


def evolve(state: Checkpoint, event: Event) -> Checkpoint:
    """Return the state after `event`. Raises CorruptStream when it cannot follow."""
    match event:
        case AuditCheckpointSigned():
            return msgspec.structs.replace(
                state, signed_size=event.tree_size, signed_root=event.root_hash, signed_at=event.signed_at
            )
        case IntegrityViolationFound():
            found = Violation(
                kind=event.kind, position=event.position, stream_key=event.stream_key, detail=event.detail
            )
            return msgspec.structs.replace(state, violations=(*state.violations, found))
        case _:
            raise CorruptStream(f"{type(event).__name__} is no event of a checkpoint")


def _signed(command: SignCheckpoint) -> AuditCheckpointSigned:
    return AuditCheckpointSigned(
        service=command.service, tree_size=command.tree_size, root_hash=command.root_hash,
        head_signature=command.head_signature, witness_signature=command.witness_signature, signed_at=command.at,
        head_signed_at=command.head_signed_at,
    )  # fmt: skip


CHECKPOINT: Final = Decider("checkpoint", Checkpoint(), decide, evolve, Checkpoint)


def checkpoint_of(service: str) -> StreamRef[Command, Checkpoint]:
    """Return the stream of a service. It belongs to no debtor: its key names the log, and it stands in partition 0."""
    return StreamRef(CHECKPOINT, service, f"log/{service}", partition=0)
