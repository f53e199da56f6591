"""The ledger of one loan: what is unpaid, component by component, at the close of a day. Pure.

The position is a function of the facts: it is carried forward from change to change, and computed anew from the first
day when a fact of an earlier date becomes known. Money never pays what is not yet due; what is left over waits with its
receipt and pays a line on the day it becomes payable. The penalty of an instalment is one exact sum kept for life (a
whole number of minor-unit-days times the rate), rounded half up whenever it is shown or paid, so no remainder is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

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


def posted_penalty(terms: Terms, penalty_days: int) -> int:
    """Return the penalty that `penalty_days` minor-unit-days amount to, in whole minor units, rounded half up."""
    if not penalty_days:
        return 0
    numerator, denominator = penalty_ratio(terms.annual_rate, terms.penalty_multiplier, terms.day_count)
    return (2 * penalty_days * numerator + denominator) // (2 * denominator)


def settle(terms: Terms, facts: Facts, day: date) -> Position:
    """Return the position at the close of `day`, computed from the first day of the loan."""
    lines = [
        Line(i.no, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor)
        for i in sorted(facts.instalments, key=lambda i: (i.due_on, i.no))
    ]
    start = min((terms.disbursed_on, *(f.on for f in facts.fees), *(r.value_on for r in facts.receipts)))
    return _run(terms, facts, lines, [_untouched(r) for r in facts.receipts], start, day, first=True)


def advance(terms: Terms, facts: Facts, position: Position, day: date) -> Position:
    """Return the position at the close of `day` from an earlier one.

    `facts` may hold what `position` does not know yet only where it takes effect after `position.as_of`; new receipts
    also on that day itself. Lines and allocations that nothing touches stay the same values.
    """
    known = position.allocations
    allocations = [*known, *(_untouched(r) for r in facts.receipts[len(known) :])]
    return _run(terms, facts, list(position.lines), allocations, position.as_of, day, first=False)


def _untouched(receipt: Receipt) -> Allocation:
    return Allocation((), receipt.amount_minor if receipt.counts else 0)


def _run(
    terms: Terms, facts: Facts, lines: list[Line], allocations: list[Allocation], start: date, day: date, *, first: bool
) -> Position:
    """Carry `lines` (by due date) and `allocations` (by receipt) from change to change, replacing what changes."""
    reached = start
    for on in _dates_of_change(facts, allocations, start, day):
        _accrue(terms, lines, reached, on)
        reached = on
        if first or on > start:
            _charge(facts, lines, on)
            _reverse(facts, lines, allocations, on)
        _allocate(terms, facts.receipts, lines, allocations, on)
    _accrue(terms, lines, reached, day)
    return Position(max(day, start), tuple(lines), tuple(allocations))


def _dates_of_change(facts: Facts, allocations: Sequence[Allocation], start: date, day: date) -> list[date]:
    """Return the dates from `start` to `day` on which something happens besides time passing, in order."""
    if start == day:
        return [day]
    dates = {f.on for f in facts.fees if start <= f.on <= day}
    credit = False
    for receipt, allocation in zip(facts.receipts, allocations, strict=True):
        if start <= receipt.value_on <= day:
            dates.add(receipt.value_on)
        if receipt.reversed_on and start <= receipt.reversed_on <= day:
            dates.add(receipt.reversed_on)
        credit = credit or allocation.left_minor > 0
    if credit:
        dates.update(i.due_on for i in facts.instalments if start <= i.due_on <= day)
    return sorted(dates)


def _accrue(terms: Terms, lines: list[Line], start: date, end: date) -> None:
    if end <= start:
        return
    for place, line in enumerate(lines):
        if line.due_on >= end:
            break
        if line.principal_minor:
            grown = line.principal_minor * weight_days(terms.day_count, max(start, line.due_on), end)
            lines[place] = replace(line, penalty_days=line.penalty_days + grown)


def _charge(facts: Facts, lines: list[Line], on: date) -> None:
    for fee in facts.fees:
        if fee.on == on:
            place = max(0, sum(line.due_on <= on for line in lines) - 1)
            lines[place] = replace(lines[place], charged_minor=lines[place].charged_minor + fee.amount_minor)


def _reverse(facts: Facts, lines: list[Line], allocations: list[Allocation], on: date) -> None:
    for number, receipt in enumerate(facts.receipts):
        if receipt.reversed_on == on and receipt.counts:
            places = {line.no: place for place, line in enumerate(lines)}
            for part in allocations[number].parts:
                place = places[part.no]
                lines[place] = _restored(lines[place], part.component, part.amount_minor)
            allocations[number] = Allocation()


def _restored(line: Line, component: Component, amount: int) -> Line:
    match component:
        case "principal":
            return replace(line, principal_minor=line.principal_minor + amount)
        case "interest":
            return replace(line, interest_minor=line.interest_minor + amount)
        case "penalty":
            return replace(line, penalty_paid_minor=line.penalty_paid_minor - amount)
        case _:
            return replace(line, charged_minor=line.charged_minor + amount)


def _allocate(
    terms: Terms, receipts: Sequence[Receipt], lines: list[Line], allocations: list[Allocation], on: date
) -> None:
    waiting = [
        (receipts[i].value_on, i)
        for i, allocation in enumerate(allocations)
        if allocation.left_minor and receipts[i].value_on <= on
    ]
    for _, i in sorted(waiting):
        oldest = _oldest(terms, lines, on)
        walk = POLICIES[receipts[i].policy_id](stage_of(days_past_due(oldest.due_on if oldest else None, on)))
        allocations[i] = _discharge(terms, walk, lines, allocations[i], on)


def _discharge(terms: Terms, walk: Walk, lines: list[Line], money: Allocation, on: date) -> Allocation:
    """Pay `lines` in the order of `walk` and return where the money went."""
    parts = {(part.no, part.component): part.amount_minor for part in money.parts}
    left = money.left_minor
    for place, component in _steps(walk, lines, on):
        line = lines[place]
        paid = min(left, _payable(terms, line, component, on))
        if paid:
            lines[place] = _reduced(line, component, paid, on)
            parts[line.no, component] = parts.get((line.no, component), 0) + paid
            left -= paid
            if not left:
                break
    return Allocation(tuple([Part(no, component, paid) for (no, component), paid in parts.items()]), left)


def _steps(walk: Walk, lines: Sequence[Line], on: date) -> Iterator[tuple[int, Component]]:
    places = [place for place, line in enumerate(lines) if line.due_on <= on or line.charged_minor]
    if walk.mode == "horizontal":
        return ((place, component) for place in places for component in walk.order)
    return ((place, component) for component in walk.order for place in places)


def _payable(terms: Terms, line: Line, component: Component, on: date) -> int:
    due = line.due_on <= on
    match component:
        case "principal":
            return line.principal_minor if due else 0
        case "interest":
            return line.interest_minor if due else 0
        case "penalty":
            return max(0, posted_penalty(terms, line.penalty_days) - line.penalty_paid_minor)
        case _:
            return line.charged_minor + (line.fee_minor if due else 0)


def _reduced(line: Line, component: Component, paid: int, on: date) -> Line:
    match component:
        case "principal":
            return replace(line, principal_minor=line.principal_minor - paid)
        case "interest":
            return replace(line, interest_minor=line.interest_minor - paid)
        case "penalty":
            return replace(line, penalty_paid_minor=line.penalty_paid_minor + paid)
        case _:
            scheduled = min(paid, line.fee_minor) if line.due_on <= on else 0
            return replace(
                line, fee_minor=line.fee_minor - scheduled, charged_minor=line.charged_minor - (paid - scheduled)
            )


def oldest_unpaid(terms: Terms, position: Position, on: date) -> Line | None:
    """Return the oldest line due before `on` whose unpaid principal and interest exceed the tolerance."""
    return _oldest(terms, position.lines, on)


def _oldest(terms: Terms, lines: Sequence[Line], on: date) -> Line | None:
    for line in lines:
        if line.due_on >= on:
            return None
        if line.principal_minor + line.interest_minor > terms.tolerance_minor:
            return line
    return None


def credit_minor(facts: Facts, position: Position) -> int:
    """Return the money that has arrived by `position.as_of` and pays nothing yet."""
    return sum(
        [
            allocation.left_minor
            for receipt, allocation in zip(facts.receipts, position.allocations, strict=True)
            if allocation.left_minor and receipt.value_on <= position.as_of
        ]
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
