"""A toy that waits: for the close of a business day, or for an instant; and the days that a publisher closes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from tests.kernel.log.toy import CAUSE

from arrears.decider import Decider, StreamRef
from arrears.events.ingest import BusinessDayClosed, FeeCharged
from arrears.events.outreach import ContactReleased, LoanJoinedCase
from arrears.events.registry import Event
from arrears.eventstore.work import Cause, Work
from arrears.recorded import Recorded
from arrears.wakes import Wake


class Sleeper(msgspec.Struct, frozen=True, kw_only=True):
    """What it waits for, and at which closes and instants it was woken."""

    due_on: date | None = None
    due_at: datetime | None = None
    slept: int = 0
    woken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for the close of a day, or for an instant."""

    loan_id: str
    until: date | datetime


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The day or the instant has come."""

    loan_id: str
    at: date | datetime


def decide(command: Sleep | WakeUp, _state: Sleeper) -> tuple[Event, ...]:
    kind = "sleeps" if isinstance(command, Sleep) else "woken"
    at = command.until if isinstance(command, Sleep) else command.at
    if isinstance(at, datetime):
        return (ContactReleased(attempt_id=kind, reason="expired", at=at),)
    return (LoanJoinedCase(case_id=kind, loan_id=command.loan_id, on=at),)


def evolve(state: Sleeper, event: Event) -> Sleeper:
    match event:
        case LoanJoinedCase(case_id="sleeps", on=on):
            return msgspec.structs.replace(state, due_on=on, slept=state.slept + 1)
        case LoanJoinedCase(case_id="woken", on=on):
            return msgspec.structs.replace(state, due_on=None, woken=(*state.woken, on.isoformat()))
        case ContactReleased(attempt_id="sleeps", at=at):
            return msgspec.structs.replace(state, due_at=at, slept=state.slept + 1)
        case ContactReleased(at=at):
            return msgspec.structs.replace(state, due_at=None, woken=(*state.woken, at.isoformat()))
    raise AssertionError(f"{event!r} is none of the toy's")


SLEEPERS = Decider(
    "sleepers", Sleeper(), decide, evolve, Sleeper, wakes_on=lambda s: s.due_on, wakes_at=lambda s: s.due_at
)


def sleeper(loan: str, debtor: str | None = None) -> StreamRef[Sleep | WakeUp, Sleeper]:
    return StreamRef(SLEEPERS, loan, debtor or f"debtor-of-{loan}")


async def wake_up(wake: Wake, work: Work) -> None:
    """Do what the toy does when its time has come."""
    at = wake.on or wake.at
    assert at is not None
    await work.execute(StreamRef(SLEEPERS, wake.ref_id, wake.debtor_id), WakeUp(wake.ref_id, at), CAUSE)


async def sleep_until_charged(event: Recorded, work: Work) -> None:
    """Wait for the close of the day on which the fee was charged."""
    assert isinstance(event.data, FeeCharged)
    ref = sleeper(event.data.loan_id, event.debtor_id)
    await work.execute(ref, Sleep(event.data.loan_id, event.data.charged_on), Cause.of(event, CAUSE.actor))


@dataclass(frozen=True, slots=True)
class CloseDay:
    """Close a business day in one partition."""

    on: date
    partition: int


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The days closed."""

    closed: int = 0


def _close(command: CloseDay, _state: Days) -> tuple[Event, ...]:
    return (BusinessDayClosed(business_date=command.on, calendar_id="CN", partition=command.partition),)


DAYS = Decider("business-day", Days(), _close, lambda state, _event: Days(closed=state.closed + 1), Days)


def day(partition: int) -> StreamRef[CloseDay, Days]:
    return StreamRef(DAYS, f"CN/{partition}", f"business-day/CN/{partition}", partition)
