"""What a debtor does on a day, given what has happened to them. Pure: chance comes from seed, person and day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from arrears_local.simulator.portfolio import Habit, SimulatedLoan


@dataclass(slots=True)
class LoanBook:
    """What the bank of the simulation knows of a loan: what was paid, what was promised, whether it went to legal."""

    loan: SimulatedLoan
    paid_minor: int = 0
    reminded_on: date | None = None
    promised_for: date | None = None
    escalated_on: date | None = None
    chances: dict[int, int] = field(default_factory=dict)

    def due_minor(self, on: date) -> int:
        """Return what had fallen due by `on` and is unpaid, without penalty interest."""
        fallen = sum(line.total_minor for line in self.loan.lines if line.due_on <= on)
        return max(0, fallen - self.paid_minor)

    def oldest_due_on(self, on: date) -> date | None:
        """Return since when something has been due, None when nothing is."""
        left = self.paid_minor
        for line in self.loan.lines:
            left -= line.total_minor
            if left < 0:
                return line.due_on if line.due_on <= on else None
        return None


def chance(seed: int, *what: object) -> Random:
    """Return the randomness of one happening, the same in every run of the seed."""
    return Random("|".join(str(part) for part in (seed, *what)))


def pays_in_full(seed: int, book: LoanBook, on: date) -> bool:
    """Say whether the debtor pays everything overdue on `on`."""
    since = book.oldest_due_on(on)
    if since is None:
        return False
    days, customer = (on - since).days, book.loan.customer
    match customer.habit:
        case Habit.punctual:
            return True
        case Habit.forgetful:
            late = chance(seed, customer.ref, since).choice((0, 0, 0, 2, 4, 9))
            reminded = book.reminded_on is not None and book.reminded_on >= since and on > book.reminded_on
            return days >= late or (reminded and days >= 3)
        case Habit.promiser:
            return book.promised_for is not None and on >= book.promised_for
        case Habit.breaker | Habit.unreachable:
            return book.escalated_on is not None and on >= book.escalated_on + timedelta(days=7)
        case Habit.insolvent:
            return False


def answers_the_phone(seed: int, book: LoanBook, on: date) -> bool:
    """Say whether a call of `on` reaches the debtor."""
    odds = {Habit.unreachable: 0.0, Habit.insolvent: 0.5}.get(book.loan.customer.habit, 0.7)
    return chance(seed, book.loan.customer.ref, "phone", on).random() < odds


def promises(seed: int, book: LoanBook, on: date) -> date | None:
    """Return the date for which the debtor promises payment when reached on `on`."""
    if book.loan.customer.habit not in (Habit.promiser, Habit.breaker, Habit.forgetful):
        return None
    return on + timedelta(days=chance(seed, book.loan.ref, "promise", on).choice((2, 3, 5)))
