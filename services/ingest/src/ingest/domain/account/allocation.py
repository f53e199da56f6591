"""Which debt money discharges, by the stage of the loan at that moment. Money never pays what is not yet payable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ingest.domain.account.lines import Book, Line, Money, Owed
from ingest.domain.account.terms import Component, Policy, Stage


def allocate(book: Book, on: date, charged_off_on: date | None) -> None:
    """Let every repayment that has money left pay, in the order of the book's money."""
    for money in book.money:
        if money.left:
            policy = book.terms.allocation.at(_stage(book, on, charged_off_on))
            for one, component, line in _walk(book, policy, on):
                paid = min(money.left, line.unpaid)
                line.paid += paid
                money.left -= paid
                money.parts.append((one, component, line, paid))
                if not money.left:
                    break


def take_back(money: Money) -> None:
    """Owe again what the repayment paid, on the same lines; its unapplied money is gone."""
    for _, _, line, paid in money.parts:
        line.paid -= paid
    money.parts.clear()
    money.left, money.reversed = 0, True


def _stage(book: Book, on: date, charged_off_on: date | None) -> Stage:
    if charged_off_on is not None and on >= charged_off_on:
        return "charged_off"
    past = book.days_past_due(on)
    return "performing" if not past else "overdue_1_90" if past <= 90 else "overdue_91_plus"


def _walk(book: Book, policy: Policy, on: date) -> Iterator[tuple[Owed, Component, Line]]:
    places = (
        [(one, component) for one in book.owed for component in policy.order]
        if policy.mode == "horizontal"
        else [(one, component) for component in policy.order for one in book.owed]
    )
    for one, component in places:
        for line in one.lines(component):
            if line.on <= on and line.unpaid > 0:
                yield one, component, line
