"""The facts of one day at work on the book: kind by kind, and on both sides of a restructure. Pure but for the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import floor
from typing import Any, Final

from ingest.domain.account.accrual import room
from ingest.domain.account.allocation import allocate, take_back
from ingest.domain.account.facts import (
    Accelerated,
    Fact,
    FeeCharged,
    FeeWaived,
    Repaid,
    RepaymentReversed,
    Restructured,
)
from ingest.domain.account.lines import Book, Line, Money


def work(book: Book, facts: Sequence[Fact], on: date, charged_off_on: date | None) -> None:
    """Work the facts of `on`, then let the money pay; a restructure comes between what was recorded before and after it."""
    waiting: list[Fact] = []
    for fact in facts:
        if isinstance(fact, Restructured):
            _pass(book, waiting, on, charged_off_on)
            _restructure(book, fact)
            waiting = []
        else:
            waiting.append(fact)
    _pass(book, waiting, on, charged_off_on)


def _pass(book: Book, facts: Sequence[Fact], on: date, charged_off_on: date | None) -> None:
    for kind, step in _STEPS.items():
        for fact in facts:
            if type(fact) is kind:
                step(book, fact, on)
    allocate(book, on, charged_off_on)


def _accelerate(book: Book, _fact: Accelerated, on: date) -> None:
    following, part = book.next_due(on)
    for one in book.in_force():
        if one.due_on > on:
            one.interest.amount = book.terms.rounded(one.interest.amount * part) if one in following else 0
            one.scheduled_fee.amount = 0
            one.fall_due(on)
    book.sort()


def _charge(book: Book, fact: FeeCharged, on: date) -> None:
    amount = fact.amount
    if book.terms.cap_rate is not None:
        amount = min(amount, floor(room(book, on)))
        book.cap_hit = book.cap_hit or amount < fact.amount
    in_force = book.in_force()
    due = [one for one in in_force if one.due_on <= on]
    (due[-1] if due else in_force[0]).fees.append(Line(amount, on))


def _waive(book: Book, fact: FeeWaived, on: date) -> None:
    left = fact.amount
    for _, line in book.payable(fact.component, on):
        given_up = min(left, line.unpaid)
        line.waive(given_up)
        left -= given_up
        if not left:
            return


def _take_back(book: Book, fact: RepaymentReversed, _on: date) -> None:
    take_back(next(money for money in book.money if money.id == fact.id))


def _receive(book: Book, fact: Repaid, _on: date) -> None:
    book.money.append(Money(fact.id, fact.amount, fact.amount))


_STEPS: Final[Mapping[type[Fact], Callable[[Book, Any, date], None]]] = {
    Accelerated: _accelerate,
    FeeCharged: _charge,
    FeeWaived: _waive,
    RepaymentReversed: _take_back,
    Repaid: _receive,
}


def _restructure(book: Book, fact: Restructured) -> None:
    """Close all unpaid principal and interest and what was not yet payable of scheduled fees; the new schedule replaces them."""
    for one in book.owed:
        one.principal.amount = one.principal.paid
        one.interest.amount = one.interest.paid
        if one.scheduled_fee.on > fact.effective_on:
            one.scheduled_fee.amount = one.scheduled_fee.paid
    book.draw_up(fact.instalments, book.schedule + 1, fact.effective_on)
