"""Penalty and compound interest of the days that passed, within the room that a cap leaves. Pure but for the book.

PBoC Yinfa [1999] 77 Art. 20 and 25, [2003] 251: penalty interest on unpaid principal from the due date, compound interest
on unpaid interest, at the contract rate until maturity and at the penalty rate after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from ingest.domain.account.lines import Book, Grown, Owed


def accrue(book: Book, start: date, end: date, *, stopped: bool) -> None:
    """Post what grows in [start, end) on the balances at the close of `start`, which last until before `end`.

    With a cap the interval is one day, for each day's room is its own.
    """
    terms = book.terms
    if terms.cap_rate is None:
        if not stopped:
            for line, more in _growth(book, start, end):
                line.grow(terms, more)
        return
    book.allowed += book.outstanding_principal() * terms.cap_a_day * terms.weight(start, end)
    if not stopped:
        _accrue_within(book, start, end)


def _accrue_within(book: Book, start: date, end: date) -> None:
    left = room(book, end)
    for line, more in _growth(book, start, end):
        granted = min(more, left)
        line.grow(book.terms, granted)
        left -= granted
        book.cap_hit = book.cap_hit or granted < more


def _growth(book: Book, start: date, end: date) -> Iterator[tuple[Grown, Fraction]]:
    """Yield what each line grows by: first the penalty of all instalments, then their compound interest."""
    terms = book.terms
    due = [(one, terms.weight(max(start, one.due_on), end)) for one in book.owed if one.due_on < end]
    for one, days in due:
        if one.principal.unpaid:
            yield one.penalty, one.principal.unpaid * terms.penalty_a_day * days
    if terms.compound:
        rate = terms.interest_a_day if start < book.maturity else terms.penalty_a_day
        for one, days in due:
            if one.interest.unpaid:
                yield one.compound, one.interest.unpaid * rate * days


def room(book: Book, on: date) -> Fraction:
    """Return what may still be charged on `on` under the cap."""
    coming, part = book.next_due(on)
    charged = sum((_charged(one, on) for one in book.owed), Fraction(0))
    charged += sum(one.interest.amount for one in coming) * part
    return max(Fraction(0), book.allowed - charged)


def _charged(one: Owed, on: date) -> Fraction:
    payable = sum(line.amount for line in (one.interest, one.scheduled_fee, *one.fees) if line.on <= on)
    return payable + one.penalty.charged + one.compound.charged
