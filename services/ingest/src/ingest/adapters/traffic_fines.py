"""Road traffic fines as facts about loans, whatever the file's syntax (the log of doi:10.4121/uuid:270fd440).

A case is a loan without interest: the fine falls due on the day it is created, expenses are a fee, a penalty names the
NEW total, so its difference is a fee, payments are repayments. Dates are the local ones written in the file. Facts keep
the file's order: many carry one and the same timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from arrears.events import corebanking as native
from arrears.events.registry import Event
from arrears.values.money import InvalidAmount, to_minor

SOURCE: Final = "road-traffic"
CURRENCY: Final = "EUR"
PENALTY_AFTER_DAYS: Final = 60
"""A fine grows on the 60th day after its notification (Italian Highway Code Art. 203, as the log has it)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A native fact and the instant of its event in the log."""

    at: datetime
    event: Event


@dataclass(slots=True)
class Log:
    """What the file says about loans. `ignored` counts events by activity that say nothing about money; `findings` name
    cases that went against the process: sent to collection with nothing owing, or a penalty on another day than the law's."""

    facts: list[Fact] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """One fine while its events are read."""

    name: str
    total: int = 0
    expenses: int = 0
    paid: int = 0
    notified_on: date | None = None

    def take(self, number: int, activity: str, fields: Mapping[str, str], at: datetime, log: Log) -> None:
        """Add to the log what the case's `number`-th event says.

        Raises:
            KeyError, ValueError: a field is missing, or its amount is none.
        """
        found = self._fact(number, activity, fields, at, log)
        if found is not None:
            log.facts.append(Fact(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), found))
        else:
            log.ignored[activity] = log.ignored.get(activity, 0) + 1

    def _fact(self, number: int, activity: str, fields: Mapping[str, str], at: datetime, log: Log) -> Event | None:
        match activity:
            case "Create Fine":
                self.total = _minor(fields["amount"])
                return _loan(self.name, self.total, at) if self.total else None
            case "Send Fine":
                expense = _minor(fields.get("expense") or "0")
                self.expenses += expense
                return _fee(self.name, number, "expense", expense, at) if expense else None
            case "Insert Fine Notification":
                self.notified_on = at.date()
                return None
            case "Add penalty":
                return self._penalty(number, _minor(fields["amount"]), at, log)
            case "Payment":
                paid = _minor(fields["paymentAmount"])
                self.paid += paid
                return _payment(self.name, number, paid, at) if paid else None
            case "Send for Credit Collection" if self.paid >= self.total + self.expenses:
                log.findings.append(f"{self.name}: sent to credit collection with nothing owing")
                return None
            case _:
                return None

    def _penalty(self, number: int, new: int, at: datetime, log: Log) -> Event | None:
        if self.notified_on is not None and (days := (at.date() - self.notified_on).days) != PENALTY_AFTER_DAYS:
            log.findings.append(f"{self.name}: penalty on day {days} after the notification, not {PENALTY_AFTER_DAYS}")
        more, self.total = new - self.total, max(new, self.total)
        return _fee(self.name, number, "penalty", more, at) if more > 0 else None


def _loan(case: str, amount: int, at: datetime) -> native.LoanBooked:
    return native.LoanBooked(
        loan_ref=case, customer_ref=case, product="road-traffic-fine", currency=CURRENCY, principal_minor=amount,
        disbursed_on=at.date(), instalments=(native.Instalment(no=1, due_on=at.date(), principal_minor=amount),),
        annual_rate="0", penalty_multiplier="1", payment_reference=case,
    )  # fmt: skip


def _fee(case: str, number: int, kind: str, amount: int, at: datetime) -> native.FeePosted:
    return native.FeePosted(
        loan_ref=case, customer_ref=case, fee_ref=f"{case}/{number}", kind=kind, amount_minor=amount,
        currency=CURRENCY, charged_on=at.date(), contract_clause="road traffic code",
    )  # fmt: skip


def _payment(case: str, number: int, amount: int, at: datetime) -> native.RepaymentPosted:
    return native.RepaymentPosted(
        loan_ref=case, customer_ref=case, posting_ref=f"{case}/{number}", amount_minor=amount, currency=CURRENCY,
        value_on=at.date(),
    )  # fmt: skip


def _minor(text: str) -> int:
    minor = to_minor(text, CURRENCY)
    if minor < 0:
        raise InvalidAmount(f"{text} is below zero")
    return minor
