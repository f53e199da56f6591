"""One line of the timeline: what an event says, when it counts, when we learned of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from arrears.events.registry import Event, InvalidEvent, UnknownEvent, decode
from arrears.timeline_texts import Lang, line

LATE_AFTER: Final = timedelta(hours=1)
BACKDATED_AFTER: Final = timedelta(days=2)
# Where an event has no effective date of its own, the date that its data counts from.
_DATES: Final = ("value_on", "cured_on", "as_of", "promised_on", "opened_on", "charged_on", "overdue_since", "on")
# What follows from another event and only matters to programs: shown, but quietly.
ROUTINE: Final = frozenset({
    "BehaviourObserved", "ClaimBalanceChanged", "ContactPointAdded", "ContactPointNoted", "ContactsAllowed",
    "ContactsStopped", "DelinquencyObserved", "InstallmentScheduled", "LoanBalanceChanged", "LoanBalanceNoted",
    "RepaymentReallocated", "StepPlanned", "StepTried",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the timeline keeps it."""

    event_id: str
    debtor_id: str
    source: str
    type: str
    schema_version: int
    stream_key: str
    occurred_at: datetime
    recorded_at: datetime
    effective_on: date | None
    causation: str
    actor: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the page. `late_by` is set when we learned of the event much later than it happened or counts from."""

    event_id: str
    source: str
    type: str
    text: str
    occurred_at: datetime
    recorded_at: datetime
    business_date: date | None
    late_by: timedelta | None
    causation: str
    actor: str
    routine: bool

    @property
    def anchor(self) -> str:
        """The element id by which other lines point here."""
        return anchor(self.event_id)


def anchor(event_id: str) -> str:
    """Return the element id of an event's line."""
    return "e-" + event_id.replace("/", "-")


def entry_of(stored: StoredEvent, lang: Lang) -> Entry:
    """Return the line of an event; what this release cannot read is named by its type, so the page never breaks."""
    try:
        event = decode(stored.source, stored.type, stored.schema_version, stored.data)
        text, on = line(event, lang), stored.effective_on or _date_in(event)
    except (UnknownEvent, InvalidEvent):
        text, on = stored.type, stored.effective_on
    routine = stored.type in ROUTINE
    late_by = None if routine else _late_by(stored, on)  # its cause says it already
    return Entry(
        stored.event_id, stored.source, stored.type, text, stored.occurred_at, stored.recorded_at, on, late_by,
        stored.causation, stored.actor, routine,
    )  # fmt: skip


def _date_in(event: Event) -> date | None:
    for name in _DATES:
        found = getattr(event, name, None)
        if isinstance(found, date) and not isinstance(found, datetime):
            return found
    return None


def _late_by(stored: StoredEvent, on: date | None) -> timedelta | None:
    delay = stored.recorded_at - stored.occurred_at
    if delay >= LATE_AFTER:
        return delay
    backdated = timedelta(0) if on is None else stored.recorded_at.date() - on
    return backdated if backdated >= BACKDATED_AFTER else None
