"""Whether terms and facts can be computed at all: the first problem, in the order in which they are told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from msgspec.structs import replace

from ingest.domain.account.facts import (
    DelinquencyPaused,
    Fact,
    Instalment,
    Repaid,
    RepaymentReversed,
    Restructured,
    ScheduleSet,
    told_date,
)
from ingest.domain.account.terms import Terms

Code = Literal[
    "SCHEMA", "BAD_BUCKETS", "FACT_ORDER", "BAD_DATE", "BAD_SCHEDULE", "UNKNOWN_REPAYMENT", "CONFLICT"
]  # fmt: skip


def first_problem(terms: Terms, facts: Sequence[Fact], asked: Sequence[date]) -> Code | None:
    """Return the code of the first problem of the terms, then of the facts, then of the days asked for."""
    if len(set(terms.dpd_components)) < len(terms.dpd_components) or not _orders_are_whole(terms):
        return "SCHEMA"
    if terms.buckets.problem():
        return "BAD_BUCKETS"
    told = _Told(terms)
    for fact in facts:
        if code := told.problem_of(fact):
            return code
    return "BAD_DATE" if any(day < terms.disbursed_on for day in asked) else None


def _orders_are_whole(terms: Terms) -> bool:
    policies = terms.allocation
    every = (policies.performing, policies.overdue_1_90, policies.overdue_91_plus, policies.charged_off)
    return all(len(set(policy.order)) == len(policy.order) for policy in every)


@dataclass(slots=True)
class _Told:
    """What the facts so far have said."""

    terms: Terms
    recorded_on: date = date.min
    version: int = 0
    highest_no: int = 0
    restructured: bool = False
    named: dict[tuple[type, str], Fact] = field(default_factory=dict)

    def problem_of(self, fact: Fact) -> Code | None:
        """Return what is wrong with the next fact, and remember it."""
        if fact.recorded_on < self.recorded_on:
            return "FACT_ORDER"
        self.recorded_on = fact.recorded_on
        on = told_date(fact)
        if on is not None and on < self.terms.disbursed_on:
            return "BAD_DATE"
        match fact:
            case DelinquencyPaused():
                return "BAD_DATE" if fact.to is not None and fact.to <= fact.from_ else None
            case ScheduleSet():
                return self._schedule(fact)
            case Restructured():
                return self._restructure(fact)
            case Repaid() | RepaymentReversed():
                return self._named(fact)
            case _:
                return None

    def _schedule(self, fact: ScheduleSet) -> Code | None:
        principal = sum(i.principal for i in fact.instalments)
        wrong = (
            self.restructured
            or fact.version <= self.version
            or principal != self.terms.principal
            or not _rises(fact.instalments, self.terms.disbursed_on)
        )
        self.version = fact.version
        self.highest_no = max(self.highest_no, *(i.no for i in fact.instalments))
        return "BAD_SCHEDULE" if wrong else None

    def _restructure(self, fact: Restructured) -> Code | None:
        numbers = [i.no for i in fact.instalments]
        wrong = not self.version or min(numbers) <= self.highest_no or not _rises(fact.instalments, fact.effective_on)
        self.restructured, self.highest_no = True, max(self.highest_no, *numbers)
        return "BAD_SCHEDULE" if wrong else None

    def _named(self, fact: Repaid | RepaymentReversed) -> Code | None:
        if isinstance(fact, RepaymentReversed) and (Repaid, fact.id) not in self.named:
            return "UNKNOWN_REPAYMENT"
        first = self.named.setdefault((type(fact), fact.id), fact)
        return None if replace(fact, recorded_on=first.recorded_on) == first else "CONFLICT"


def _rises(instalments: Sequence[Instalment], first_on: date) -> bool:
    """Say whether the numbers rise, and the due dates do not fall and begin no earlier than `first_on`."""
    numbers, dates = [i.no for i in instalments], [i.due_on for i in instalments]
    return numbers == sorted(set(numbers)) and dates == sorted(dates) and dates[0] >= first_on
