"""The ledger of one loan: what is unpaid, component by component, at the close of a day. Pure.

The position is a function of the facts: it is carried forward from change to change, and computed anew from the first
day when a fact of an earlier date becomes known. Money never pays what is not yet due; what is left over waits with its
receipt and pays a line on the day it becomes payable. The penalty of an instalment is one exact sum kept for life (a
whole number of minor-unit-days times the rate), rounded half up whenever it is shown or paid, so no remainder is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from arrears.events.ingest import Component
from ingest.domain.ageing import days_past_due
from ingest.domain.allocation import POLICIES, Walk, stage_of
from ingest.domain.schedule import Facts, Instalment, Part, Receipt, Terms, penalty_ratio, weight_days


class Line(msgspec.Struct, frozen=True, array_like=True):
    """What is unpaid of one instalment. `charged_minor` are fees charged to it, payable at once; `penalty_days` are the
    minor-unit-days on which penalty has grown, `penalty_paid_minor` what was paid of it."""

    no: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    charged_minor: int = 0
    penalty_days: int = 0
    penalty_paid_minor: int = 0


class Allocation(msgspec.Struct, frozen=True, array_like=True):
    """Where one receipt's money went, and what of it waits."""

    parts: tuple[Part, ...] = ()
    left_minor: int = 0


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The loan at the close of `as_of`; `allocations` stand in the order of the receipts."""

    as_of: date
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]


@dataclass(slots=True)
class _Row:
    """A line being worked on."""

    no: int
    due_on: date
    principal: int
    interest: int
    fee: int
    charged: int
    penalty_days: int
    penalty_paid: int


@dataclass(slots=True)
class _Money:
    """A receipt's allocation being worked on; `kept` is the earlier one while nothing of it has changed."""

    parts: dict[tuple[int, Component], int]
    left: int
    kept: Allocation | None = None

    def open(self) -> None:
        """Take the parts out of the earlier allocation, to change them."""
        if self.kept is not None:
            self.parts = {(p.no, p.component): p.amount_minor for p in self.kept.parts}
            self.kept = None


def posted_penalty(terms: Terms, penalty_days: int) -> int:
    """Return the penalty that `penalty_days` minor-unit-days amount to, in whole minor units, rounded half up."""
    numerator, denominator = penalty_ratio(terms.annual_rate, terms.penalty_multiplier, terms.day_count)
    return (2 * penalty_days * numerator + denominator) // (2 * denominator)


def settle(terms: Terms, facts: Facts, day: date) -> Position:
    """Return the position at the close of `day`, computed from the first day of the loan."""
    rows = [
        _Row(i.no, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor, 0, 0, 0)
        for i in sorted(facts.instalments, key=lambda i: (i.due_on, i.no))
    ]
    money = [_Money({}, r.amount_minor) for r in facts.receipts]
    start = min((terms.disbursed_on, *(f.on for f in facts.fees), *(r.value_on for r in facts.receipts)))
    return _run(terms, facts, rows, money, start, day, first=True)


def advance(terms: Terms, facts: Facts, position: Position, day: date) -> Position:
    """Return the position at the close of `day` from an earlier one.

    `facts` may hold what `position` does not know yet only where it takes effect after `position.as_of`; new receipts
    also on that day itself.
    """
    rows = [
        _Row(
            line.no, line.due_on, line.principal_minor, line.interest_minor, line.fee_minor, line.charged_minor,
            line.penalty_days, line.penalty_paid_minor,
        )
        for line in position.lines
    ]  # fmt: skip
    money = [_Money({}, allocation.left_minor, allocation) for allocation in position.allocations]
    money.extend(_Money({}, receipt.amount_minor) for receipt in facts.receipts[len(money) :])
    return _run(terms, facts, rows, money, position.as_of, day, first=False)


def _run(
    terms: Terms, facts: Facts, rows: list[_Row], money: list[_Money], start: date, day: date, *, first: bool
) -> Position:
    reached = start
    for on in _dates_of_change(facts, money, start, day, first=first):
        _accrue(terms, rows, reached, on)
        reached = on
        if first or on > start:
            _charge(facts, rows, on)
            _reverse(facts, rows, money, on)
        _allocate(terms, facts.receipts, rows, money, on)
    _accrue(terms, rows, reached, day)
    return Position(
        max(day, start),
        tuple(
            Line(r.no, r.due_on, r.principal, r.interest, r.fee, r.charged, r.penalty_days, r.penalty_paid)
            for r in rows
        ),
        tuple(_frozen(receipt, one) for receipt, one in zip(facts.receipts, money, strict=True)),
    )


def _frozen(receipt: Receipt, money: _Money) -> Allocation:
    if not receipt.counts:
        return Allocation()
    if money.kept is not None:
        return money.kept
    return Allocation(tuple(Part(no, component, n) for (no, component), n in money.parts.items()), money.left)


def _dates_of_change(facts: Facts, money: Sequence[_Money], start: date, day: date, *, first: bool) -> list[date]:
    """Return the dates from `start` to `day` on which something happens besides time passing, in order."""
    dates = {f.on for f in facts.fees}
    credit = False
    for receipt, one in zip(facts.receipts, money, strict=True):
        dates.add(receipt.value_on)
        if receipt.reversed_on:
            dates.add(receipt.reversed_on)
        credit = credit or one.left > 0
    if credit:
        dates.update(i.due_on for i in facts.instalments)
    return sorted(d for d in dates if start <= d <= day)


def _accrue(terms: Terms, rows: Iterable[_Row], start: date, end: date) -> None:
    if end <= start:
        return
    for row in rows:
        if row.principal and row.due_on < end:
            row.penalty_days += row.principal * weight_days(terms.day_count, max(start, row.due_on), end)


def _charge(facts: Facts, rows: list[_Row], on: date) -> None:
    for fee in facts.fees:
        if fee.on == on:
            due = [row for row in rows if row.due_on <= on]
            (due[-1] if due else rows[0]).charged += fee.amount_minor


def _reverse(facts: Facts, rows: list[_Row], money: list[_Money], on: date) -> None:
    by_no = {row.no: row for row in rows}
    for receipt, one in zip(facts.receipts, money, strict=True):
        if receipt.reversed_on == on and receipt.counts:
            one.open()
            for (no, component), amount in one.parts.items():
                _give_back(by_no[no], component, amount)
            one.parts, one.left = {}, 0


def _give_back(row: _Row, component: Component, amount: int) -> None:
    match component:
        case "principal":
            row.principal += amount
        case "interest":
            row.interest += amount
        case "penalty":
            row.penalty_paid -= amount
        case _:
            row.charged += amount


def _allocate(terms: Terms, receipts: Sequence[Receipt], rows: list[_Row], money: list[_Money], on: date) -> None:
    waiting = [
        (receipt.value_on, i)
        for i, receipt in enumerate(receipts)
        if money[i].left and receipt.counts and receipt.value_on <= on
    ]
    for _, i in sorted(waiting):
        money[i].open()
        oldest = _oldest_unpaid(terms, rows, on)
        walk = POLICIES[receipts[i].policy_id](stage_of(days_past_due(oldest, on)))
        for row, component in _steps(walk, rows):
            if not money[i].left:
                break
            _pay(terms, row, component, money[i], on)


def _steps(walk: Walk, rows: Sequence[_Row]) -> Iterator[tuple[_Row, Component]]:
    if walk.mode == "horizontal":
        return ((row, component) for row in rows for component in walk.order)
    return ((row, component) for component in walk.order for row in rows)


def _pay(terms: Terms, row: _Row, component: Component, money: _Money, on: date) -> None:
    due = row.due_on <= on
    match component:
        case "principal":
            paid = min(money.left, row.principal) if due else 0
            row.principal -= paid
        case "interest":
            paid = min(money.left, row.interest) if due else 0
            row.interest -= paid
        case "penalty":
            paid = min(money.left, max(0, posted_penalty(terms, row.penalty_days) - row.penalty_paid))
            row.penalty_paid += paid
        case _:
            scheduled = min(money.left, row.fee) if due else 0
            row.fee -= scheduled
            charged = min(money.left - scheduled, row.charged)
            row.charged -= charged
            paid = scheduled + charged
    if paid:
        money.left -= paid
        money.parts[row.no, component] = money.parts.get((row.no, component), 0) + paid


def _oldest_unpaid(terms: Terms, rows: Iterable[_Row], on: date) -> date | None:
    for row in rows:
        if row.due_on >= on:
            return None
        if row.principal + row.interest > terms.tolerance_minor:
            return row.due_on
    return None


def oldest_unpaid(terms: Terms, position: Position, on: date) -> Line | None:
    """Return the oldest line due before `on` whose unpaid principal and interest exceed the tolerance."""
    for line in position.lines:
        if line.due_on >= on:
            return None
        if line.principal_minor + line.interest_minor > terms.tolerance_minor:
            return line
    return None


def credit_minor(facts: Facts, position: Position) -> int:
    """Return the money that has arrived by `position.as_of` and pays nothing yet."""
    return sum(
        allocation.left_minor
        for receipt, allocation in zip(facts.receipts, position.allocations, strict=True)
        if receipt.value_on <= position.as_of
    )


def schedule_problem(terms: Terms, instalments: Sequence[Instalment]) -> str:
    """Return what is wrong with a schedule, or nothing."""
    numbers = [i.no for i in instalments]
    if len(set(numbers)) < len(numbers):
        return "an instalment number comes twice"
    dates = [i.due_on for i in sorted(instalments, key=lambda i: i.no)]
    if dates != sorted(dates):
        return "due dates do not rise with the instalment numbers"
    if dates and dates[0] < terms.disbursed_on:
        return f"instalment {min(numbers)} falls due before the loan began"
    return ""
