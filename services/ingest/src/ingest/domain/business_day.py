"""The business calendar of one partition: days are closed in order, each once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.ingest import BusinessDayClosed
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from ingest.domain.refusals import DayGoesBackwards

CALENDAR: Final = "default"


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The last day that is closed, if any."""

    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class CloseDay:
    """Say that every effect of `day` on the debtors of `partition` stands in the log."""

    day: date
    calendar_id: str
    partition: int


def decide(command: CloseDay, calendar: Calendar) -> tuple[Event, ...]:
    """Return BusinessDayClosed, or nothing when that day is the last one closed.

    Raises:
        DayGoesBackwards: a later day is closed.
    """
    if calendar.closed_on == command.day:
        return ()
    if calendar.closed_on is not None and calendar.closed_on > command.day:
        raise DayGoesBackwards(f"{calendar.closed_on} is closed already", closed_on=calendar.closed_on.isoformat())
    closed = BusinessDayClosed(business_date=command.day, calendar_id=command.calendar_id, partition=command.partition)
    return (closed,)


def evolve(calendar: Calendar, event: Event) -> Calendar:
    """Return the calendar after a day was closed.

    Raises:
        CorruptStream: the event is no closed day.
    """
    if not isinstance(event, BusinessDayClosed):
        raise CorruptStream(f"{type(event).__name__} is no event of a calendar")
    return Calendar(closed_on=event.business_date)


BUSINESS_DAY: Final[Decider[CloseDay, Calendar]] = Decider(
    name="business-day", initial=Calendar(), decide=decide, evolve=evolve, state_type=Calendar
)


def calendar_of(partition: int, calendar_id: str = CALENDAR) -> StreamRef[CloseDay, Calendar]:
    """Return the stream of a partition's business days."""
    return StreamRef(BUSINESS_DAY, f"{calendar_id}/{partition}", "", partition)
