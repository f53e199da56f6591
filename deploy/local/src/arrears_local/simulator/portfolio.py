"""A seeded portfolio: customers, their loans, and how each customer behaves. Pure: one seed, one portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final


class Habit(StrEnum):
    """How a customer treats a debt."""

    punctual = "punctual"
    """pays on the due date"""
    forgetful = "forgetful"
    """misses some due dates and pays a few days later by themselves or after a reminder"""
    promiser = "promiser"
    """waits for a call, promises, and keeps the promise"""
    breaker = "breaker"
    """promises on the phone and does not pay; pays when the matter has gone to legal"""
    unreachable = "unreachable"
    """never answers; pays only after escalation"""
    insolvent = "insolvent"
    """cannot pay at all"""


# Shares that give a portfolio with about 5 % of loans badly overdue and every path of the flow walked.
_SHARES: Final = {
    Habit.punctual: 62, Habit.forgetful: 18, Habit.promiser: 8, Habit.breaker: 5, Habit.unreachable: 4, Habit.insolvent: 3,
}  # fmt: skip
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡"
_GIVEN: Final = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "霞",
)
_ZONES: Final = ("Asia/Shanghai",)


@dataclass(frozen=True, slots=True)
class Line:
    """One instalment: number, due date, principal and interest in minor units."""

    no: int
    due_on: date
    principal_minor: int
    interest_minor: int

    @property
    def total_minor(self) -> int:
        """What falls due."""
        return self.principal_minor + self.interest_minor


@dataclass(frozen=True, slots=True)
class Customer:
    """A person as core banking knows them."""

    ref: str
    name: str
    phone: str
    zone: str
    habit: Habit


@dataclass(frozen=True, slots=True)
class SimulatedLoan:
    """A loan of a customer."""

    ref: str
    customer: Customer
    principal_minor: int
    disbursed_on: date
    annual_rate: str
    payment_reference: str
    lines: tuple[Line, ...]


def portfolio(seed: int, loans: int, first_day: date) -> tuple[SimulatedLoan, ...]:
    """Return `loans` loans whose first instalments fall due within the month after `first_day`.

    About one customer in seven has two loans.
    """
    random = Random(f"portfolio|{seed}")
    found: list[SimulatedLoan] = []
    customers = 0
    while len(found) < loans:
        customers += 1
        customer = _customer(random, customers)
        for _ in range(2 if random.random() < 0.14 else 1):
            if len(found) < loans:
                found.append(_loan(random, customer, len(found) + 1, first_day))
    return tuple(found)


def _customer(random: Random, number: int) -> Customer:
    habit = random.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    name = random.choice(_SURNAMES) + random.choice(_GIVEN) + random.choice(("", random.choice(_GIVEN)))
    # The range +86 199 0000 xxxx is used for nothing but this demo's numbers; the last digit decides the carrier's answer.
    phone = f"+861990{number:06d}{'0' if habit is Habit.unreachable else random.choice('123456789')}"
    return Customer(f"C{number:06d}", name, phone, random.choice(_ZONES), habit)


def _loan(random: Random, customer: Customer, number: int, first_day: date) -> SimulatedLoan:
    months = random.choice((6, 9, 12))
    principal = random.randrange(2_000_00, 60_000_00, 100_00)
    rate_bps = random.choice((720, 1080, 1440))
    disbursed = first_day - timedelta(days=random.randrange(2, 27))
    first_due = _next_month(disbursed)
    lines, left = [], principal
    for no in range(1, months + 1):
        part = principal // months if no < months else left
        interest = (left * rate_bps + 60_000) // 120_000  # a twelfth of the year, rounded half up
        lines.append(Line(no, first_due, part, interest))
        left -= part
        first_due = _next_month(first_due)
    rate = f"0.{rate_bps:04d}"
    return SimulatedLoan(
        f"L{number:06d}", customer, principal, disbursed, rate, f"ARR{number:09d}", tuple(lines)
    )  # fmt: skip


def _next_month(day: date) -> date:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, 28))
