"""Which of the known facts work, and on which day: repeats, repayments that count as never made, pauses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from msgspec.structs import replace

from ingest.domain.account.facts import (
    ChargedOff,
    DelinquencyPaused,
    DelinquencyResumed,
    Fact,
    Instalment,
    Repaid,
    RepaymentReversed,
    Restructured,
    ScheduleSet,
    told_date,
)


@dataclass(frozen=True, slots=True)
class Pause:
    """The days from `start` until before `end`."""

    start: date
    end: date
    stops_interest: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """A repayment, the day on which it works, and whether it was taken back before it could."""

    fact: Repaid
    place: int
    on: date
    never_made: bool = False


@dataclass(slots=True)
class Effects:
    """What is known of a loan, by the day on which it works.

    `days` holds, for each day, the facts that change what is owed, in the order in which they were recorded; `payments`
    every repayment once, in that order too.
    """

    schedule: tuple[Instalment, ...] | None = None
    days: dict[date, list[Fact]] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    pauses: tuple[Pause, ...] = ()
    charged_off_on: date | None = None


def effects(facts: Sequence[Fact], known_on: date | None) -> Effects:
    """Return what the facts recorded up to `known_on` (None: all) come to."""
    known = _first_told([f for f in facts if known_on is None or f.recorded_on <= known_on])
    found = Effects(pauses=_pauses(known))
    schedules = [f for f in known if isinstance(f, ScheduleSet)]
    if schedules:
        found.schedule = schedules[-1].instalments
    found.charged_off_on = min((f.on for f in known if isinstance(f, ChargedOff)), default=None)
    found.payments = _payments(known)
    never = {p.fact.id for p in found.payments if p.never_made}
    for place, fact in enumerate(known):
        if isinstance(fact, ScheduleSet | ChargedOff | DelinquencyPaused | DelinquencyResumed):
            continue
        if not (isinstance(fact, Repaid | RepaymentReversed) and fact.id in never):
            found.days.setdefault(_works_on(known, place), []).append(fact)
    return found


def _first_told(facts: Sequence[Fact]) -> list[Fact]:
    seen: set[tuple[type, str]] = set()
    first = []
    for fact in facts:
        if isinstance(fact, Repaid | RepaymentReversed):
            if (type(fact), fact.id) in seen:
                continue
            seen.add((type(fact), fact.id))
        first.append(fact)
    return first


def _works_on(known: Sequence[Fact], place: int) -> date:
    """A repayment or reversal does not reach behind a restructure that was recorded before it."""
    fact = known[place]
    on = told_date(fact)
    assert on is not None
    if isinstance(fact, Repaid | RepaymentReversed):
        return max([on, *(f.effective_on for f in known[:place] if isinstance(f, Restructured))])
    return on


def _payments(known: Sequence[Fact]) -> list[Payment]:
    reversals = {f.id: place for place, f in enumerate(known) if isinstance(f, RepaymentReversed)}
    found = []
    for place, fact in enumerate(known):
        if isinstance(fact, Repaid):
            on, back = _works_on(known, place), reversals.get(fact.id)
            found.append(Payment(fact, place, on, back is not None and _undone_at_once(known, place, back)))
    return found


def _undone_at_once(known: Sequence[Fact], place: int, back: int) -> bool:
    on, back_on = _works_on(known, place), _works_on(known, back)
    between = any(isinstance(f, Restructured) and f.effective_on == on for f in known[place:back])
    return back_on < on or (back_on == on and not between)


def _pauses(known: Sequence[Fact]) -> tuple[Pause, ...]:
    told: list[DelinquencyPaused] = []
    for fact in known:
        if isinstance(fact, DelinquencyPaused):
            told.append(fact)
        elif isinstance(fact, DelinquencyResumed):
            told = [replace(p, to=fact.on) if _covers(p, fact.on) else p for p in told]
    return tuple(Pause(p.from_, p.to or date.max, p.stops_interest) for p in told)


def _covers(pause: DelinquencyPaused, on: date) -> bool:
    return pause.from_ <= on and (pause.to is None or on < pause.to)


def paused_days(pauses: Sequence[Pause], start: date, end: date) -> int:
    """Return how many days of [start, end) are paused, each once however many pauses cover it."""
    days, reached = 0, start
    for pause in sorted(pauses, key=lambda p: p.start):
        first, last = max(pause.start, reached), min(pause.end, end)
        if last > first:
            days += (last - first).days
            reached = last
    return days


def interest_stopped(pauses: Sequence[Pause], on: date) -> bool:
    """Say whether nothing accrues for the interval that begins on `on`."""
    return any(p.stops_interest and p.start <= on < p.end for p in pauses)
