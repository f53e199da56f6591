"""From the first day of the loan to the close of the day that is asked for, jumping from change to change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from ingest.domain.account.accrual import accrue
from ingest.domain.account.day import work
from ingest.domain.account.effects import Effects, effects, interest_stopped, paused_days
from ingest.domain.account.facts import Fact, Restructured
from ingest.domain.account.lines import Book, Owed
from ingest.domain.account.terms import Terms

_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Episode:
    """One stretch of delinquency, from the first delinquent close to the first close with nothing past due."""

    overdue_since: date
    dpd_max: int
    cured_on: date | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The loan at the close of `as_of`, as known on some day."""

    as_of: date
    book: Book
    effects: Effects
    episodes: tuple[Episode, ...]

    @property
    def days_past_due(self) -> int:
        """Days since the oldest unpaid instalment fell due."""
        return self.book.days_past_due(self.as_of)

    @property
    def delinquent_days(self) -> int:
        """Days past due beyond grace and pauses."""
        return _delinquent_days(self.book, self.effects, self.as_of)


def account_at(terms: Terms, facts: Sequence[Fact], as_of: date, known_on: date | None = None) -> Account | None:
    """Return the account at the close of `as_of` from the facts recorded up to `known_on`; None while no schedule is known."""
    known = effects(facts, known_on)
    if known.schedule is None:
        return None
    book = Book(terms)
    book.draw_up(known.schedule, 0, terms.disbursed_on)
    episodes: list[Episode] = []
    days = [*_days_of_change(terms, known, as_of), as_of + _DAY]
    reached = days[0]
    for on, following in pairwise(days):
        if on > reached:
            accrue(book, reached, on, stopped=interest_stopped(known.pauses, reached))
        reached = on
        work(book, known.days.get(on, ()), on, known.charged_off_on)
        _follow(episodes, book, known, on, following)
    return Account(as_of, book, known, tuple(episodes))


def _days_of_change(terms: Terms, known: Effects, as_of: date) -> list[date]:
    """Return the days on which more happens than time passing: facts, due dates, pauses; every day under a cap."""
    first = terms.disbursed_on
    if terms.cap_rate is not None or {"penalty", "compound"} & set(terms.dpd_components):
        return list(_each(first, as_of + _DAY))
    days = {first, as_of, *known.days}
    days |= {day for pause in known.pauses for day in (pause.start, pause.end)}
    schedules = [known.schedule or ()]
    schedules += [f.instalments for facts in known.days.values() for f in facts if isinstance(f, Restructured)]
    days |= {i.due_on for instalments in schedules for i in instalments}
    return sorted(day for day in days if first <= day <= as_of)


def _each(start: date, end: date) -> Iterator[date]:
    for number in range((end - start).days):
        yield start + number * _DAY


def _follow(episodes: list[Episode], book: Book, known: Effects, start: date, end: date) -> None:
    """Open, carry on or end an episode at the closes of [start, end), between which nothing happens but time passing."""
    oldest = book.oldest(start)
    for close in _each(start, end):
        if close == start + _DAY:
            oldest = book.oldest(close)  # what fell due on `start` is overdue from now on
        past = (close - oldest.due_on).days if oldest else 0
        running = episodes[-1] if episodes and episodes[-1].cured_on is None else None
        if running is None:
            if oldest and _delinquent(oldest, book, known, close):
                episodes.append(Episode(oldest.due_on, past))
        elif past:
            running.dpd_max = max(running.dpd_max, past)
        else:
            running.cured_on = close


def _delinquent_days(book: Book, known: Effects, on: date) -> int:
    oldest = book.oldest(on)
    return _delinquent(oldest, book, known, on) if oldest else 0


def _delinquent(oldest: Owed, book: Book, known: Effects, on: date) -> int:
    paused = paused_days(known.pauses, oldest.due_on, on)
    return max(0, (on - oldest.due_on).days - book.terms.grace_days - paused)
