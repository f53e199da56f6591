"""What is told of an account: ageing, what is overdue, what would pay it off, where the money went. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import msgspec

from ingest.domain.account.course import Account
from ingest.domain.account.effects import Payment
from ingest.domain.account.lines import Book, Money
from ingest.domain.account.terms import COMPONENTS, Component


class Part(msgspec.Struct, frozen=True):
    """Money that paid one component of one instalment."""

    no: int
    component: Component
    amount: int


class Allocation(msgspec.Struct, frozen=True):
    """Where a repayment's money went, and what of it waits."""

    repayment: str
    reversed: bool
    parts: tuple[Part, ...]
    unapplied: int


class Stretch(msgspec.Struct, frozen=True):
    """An episode of delinquency."""

    overdue_since: date
    cured_on: date | None
    dpd_max: int


class Figures(msgspec.Struct, frozen=True):
    """The numbers of a loan at the close of a day, in minor units and days."""

    dpd: int
    delinquent_days: int
    bucket: str
    overdue: dict[str, int]
    outstanding_principal: int
    payoff_total: int
    allocations: tuple[Allocation, ...]
    overpayment: int
    episodes: tuple[Stretch, ...]
    cap_hit: bool


def figures(account: Account) -> Figures:
    """Return the numbers of an account."""
    book, on = account.book, account.as_of
    past, delinquent = account.days_past_due, account.delinquent_days
    buckets = book.terms.buckets
    allocations = _allocations(account)
    unapplied = sum(one.unapplied for one in allocations)
    return Figures(
        dpd=past,
        delinquent_days=delinquent,
        bucket=buckets.code_of(past if buckets.by == "dpd" else delinquent),
        overdue=_overdue(book, on),
        outstanding_principal=book.outstanding_principal(),
        payoff_total=max(0, payoff(book, on) - unapplied),
        allocations=allocations,
        overpayment=unapplied,
        episodes=tuple(Stretch(e.overdue_since, e.cured_on, e.dpd_max) for e in account.episodes),
        cap_hit=book.cap_hit,
    )


def payoff(book: Book, on: date) -> int:
    """Return what pays everything on `on`: all principal, what is payable, and the interest that has run since."""
    coming, part = book.next_due(on)
    payable = sum(line.unpaid for c in COMPONENTS if c != "principal" for _, line in book.payable(c, on))
    return (
        book.outstanding_principal() + payable + sum(book.terms.rounded(one.interest.amount * part) for one in coming)
    )


def _overdue(book: Book, on: date) -> dict[str, int]:
    unpaid: dict[str, int] = {c: sum(one.unpaid(c, before=on) for one in book.owed) for c in COMPONENTS}
    return unpaid | {"total": sum(unpaid.values())}


def _allocations(account: Account) -> tuple[Allocation, ...]:
    money = {one.id: one for one in account.book.money}
    arrived = sorted((p for p in account.effects.payments if p.on <= account.as_of), key=lambda p: (p.on, p.place))
    return tuple(_allocation(payment, money.get(payment.fact.id)) for payment in arrived)


def _allocation(payment: Payment, money: Money | None) -> Allocation:
    if money is None:  # it counts as never made
        return Allocation(payment.fact.id, True, (), 0)
    sums: dict[tuple[int, Component], int] = defaultdict(int)
    for one, component, _, paid in money.parts:
        sums[one.no, component] += paid
    ordered = sorted(sums.items(), key=lambda part: (part[0][0], COMPONENTS.index(part[0][1])))
    return Allocation(
        money.id,
        money.reversed,
        tuple(Part(no, component, paid) for (no, component), paid in ordered if paid),
        money.left,
    )
