"""← POST /v1/business-days: every loan that waits is aged, then each partition's day is closed.

In bounded transactions, so it may be killed at any point and called again: a loan that was aged waits no longer, and a
partition's day is closed once. A loan of a debtor whose key is parked is left for a later day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from arrears.clock import Clock
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause, Work
from arrears.wakes import PAGE, wake_day
from ingest.domain.business_day import CALENDAR, CloseDay, calendar_of
from ingest.domain.refusals import DayGoesBackwards
from ingest.use_cases.age_loans import AGE_LOANS

_TRIES: Final = 20


@dataclass(slots=True)
class Aged:
    """How many loans were woken, how many events that caused, and which loans could not be aged."""

    loans: int = 0
    events: int = 0
    stuck: set[str] = field(default_factory=set)


async def check_order(day: date, work: Work) -> None:
    """Refuse to close a day when a later one is closed.

    Raises:
        DayGoesBackwards: see there.
    """
    await work.load(calendar_of(partition) for partition in range(work.partitions))
    for partition in range(work.partitions):
        last = (await work.state(calendar_of(partition))).closed_on
        if last is not None and last > day:
            raise DayGoesBackwards(f"{last} is closed already", closed_on=last.isoformat())


async def age_all(day: date, store: EventStore, clock: Clock, aged: Aged) -> None:
    """Age every loan that waits for a day up to `day`, a page of loans in a transaction."""
    everywhere, failures = range(store.partitions), 0
    while True:
        try:
            woken, events = await _age_page(day, everywhere, store, clock, aged.stuck)
        except StreamVersionConflict:  # a payment came in between: the page is loaded and decided again
            failures += 1
            if failures == _TRIES:
                raise
            continue
        aged.loans += woken
        aged.events += events
        if woken < PAGE:
            return


async def _age_page(
    day: date, partitions: Sequence[int], store: EventStore, clock: Clock, stuck: set[str]
) -> tuple[int, int]:
    before = len(stuck)
    async with store.database.transaction() as connection:
        work = store.work(clock.now(), connection)
        woken = await wake_day(connection, work, (AGE_LOANS,), partitions, day, stuck)
        await store.append(connection, [work])
    return woken - (len(stuck) - before), len(work.pending)


async def close_partitions(day: date, aged: Aged, cause: Cause, work: Work) -> dict[str, Any]:
    """Close the day of each partition and return the counts."""
    await work.load(calendar_of(partition) for partition in range(work.partitions))
    closed = 0
    for partition in range(work.partitions):
        command = CloseDay(day, CALENDAR, partition)
        closed += bool(await work.execute(calendar_of(partition), command, cause, effective_on=day))
    return {
        "date": day.isoformat(), "calendar_id": CALENDAR, "closed_partitions": closed, "closed_before": closed == 0,
        "loans_aged": aged.loans, "events": aged.events, "loans_left": sorted(aged.stuck),
    }  # fmt: skip
