"""What is owed, line by line, while a day is worked. Everything here changes; it never leaves the account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final

from ingest.domain.account.facts import Instalment
from ingest.domain.account.terms import Component, Terms

ALWAYS: Final = date.min


@dataclass(slots=True, eq=False)
class Line:
    """An amount, net of what was waived or closed, and what of it is paid. `on` is the day from which it is payable."""

    amount: int
    on: date
    paid: int = 0

    @property
    def unpaid(self) -> int:
        """What is still owed."""
        return self.amount - self.paid

    def waive(self, amount: int) -> None:
        """Give up a part of what is unpaid."""
        self.amount -= amount


@dataclass(slots=True, eq=False)
class Grown(Line):
    """Penalty or compound interest: one exact sum for life, of which whole units are posted at each close."""

    exact: Fraction = Fraction(0)
    waived: int = 0

    def grow(self, terms: Terms, more: Fraction) -> None:
        """Add to the exact sum and post it."""
        self.exact += more
        self.amount = terms.rounded(self.exact) - self.waived

    def waive(self, amount: int) -> None:
        """Give up a part; it stays given up when the sum grows on."""
        self.waived += amount
        self.amount -= amount

    @property
    def charged(self) -> Fraction:
        """What was charged in all, exactly, paid or not."""
        return self.exact - self.waived


@dataclass(slots=True, eq=False)
class Owed:
    """One instalment of one schedule."""

    no: int
    due_on: date
    schedule: int
    principal: Line
    interest: Line
    scheduled_fee: Line
    fees: list[Line] = field(default_factory=list)
    penalty: Grown = field(default_factory=lambda: Grown(0, ALWAYS))
    compound: Grown = field(default_factory=lambda: Grown(0, ALWAYS))

    def lines(self, component: Component) -> Sequence[Line]:
        """Return the lines of a component, the one that was payable first first."""
        match component:
            case "fee":
                return sorted((self.scheduled_fee, *self.fees), key=lambda line: line.on)
            case _:
                return (getattr(self, component),)

    def unpaid(self, component: Component, *, before: date) -> int:
        """Return what is unpaid of the lines that were payable before a day."""
        return sum(line.unpaid for line in self.lines(component) if line.on < before)

    def fall_due(self, on: date) -> None:
        """Bring the due date forward."""
        self.due_on = self.principal.on = self.interest.on = self.scheduled_fee.on = on


@dataclass(slots=True)
class Money:
    """A repayment: where its money went, and what waits."""

    id: str
    amount: int
    left: int
    reversed: bool = False
    parts: list[tuple[Owed, Component, Line, int]] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    """The instalments of every schedule by (due date, no), the schedule in force, the money, and the room under a cap."""

    terms: Terms
    owed: list[Owed] = field(default_factory=list)
    schedule: int = 0
    started_on: date = date.min
    money: list[Money] = field(default_factory=list)
    allowed: Fraction = Fraction(0)
    cap_hit: bool = False

    def draw_up(self, instalments: Iterable[Instalment], schedule: int, started_on: date) -> None:
        """Put a schedule in force."""
        self.schedule, self.started_on = schedule, started_on
        self.owed += [
            Owed(
                i.no, i.due_on, schedule, Line(i.principal, i.due_on), Line(i.interest, i.due_on), Line(i.fee, i.due_on)
            )
            for i in instalments
        ]
        self.sort()

    def sort(self) -> None:
        """Bring the instalments into the order in which they are walked."""
        self.owed.sort(key=lambda one: (one.due_on, one.no))

    def in_force(self) -> list[Owed]:
        """Return the instalments of the schedule in force, in order."""
        return [one for one in self.owed if one.schedule == self.schedule]

    @property
    def maturity(self) -> date:
        """The latest due date of the schedule in force."""
        return max(one.due_on for one in self.in_force())

    def outstanding_principal(self) -> int:
        """Return all unpaid principal, due or not."""
        return sum(one.principal.unpaid for one in self.owed)

    def oldest(self, on: date) -> Owed | None:
        """Return the oldest instalment due before `on` whose unpaid overdue components exceed the tolerance."""
        for one in self.owed:
            if one.due_on >= on:
                return None
            if sum(one.unpaid(c, before=on) for c in self.terms.dpd_components) > self.terms.tolerance:
                return one
        return None

    def days_past_due(self, on: date) -> int:
        """Return the days since the oldest unpaid instalment fell due; on its due date 0."""
        oldest = self.oldest(on)
        return (on - oldest.due_on).days if oldest else 0

    def next_due(self, on: date) -> tuple[list[Owed], Fraction]:
        """Return the instalments that fall due next after `on`, and which part of their interest has run by then."""
        after = [one for one in self.in_force() if one.due_on > on]
        if not after:
            return [], Fraction(0)
        due_on = after[0].due_on
        since = max((one.due_on for one in self.in_force() if one.due_on <= on), default=self.started_on)
        return [one for one in after if one.due_on == due_on], Fraction((on - since).days, (due_on - since).days)

    def payable(self, component: Component, on: date) -> Iterator[tuple[Owed, Line]]:
        """Yield the unpaid lines of a component that are payable on `on`, in the order of the walk."""
        for one in self.owed:
            for line in one.lines(component):
                if line.on <= on and line.unpaid:
                    yield one, line
