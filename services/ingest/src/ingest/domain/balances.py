"""What a position means in words that travel: due, not due, accruing, payoff. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from arrears.events.ingest import AllocatedPart, LoanBalanceChanged
from arrears.values.balance import Accruing, Components
from ingest.domain.ledger import Line, Position, credit_minor, posted_penalty
from ingest.domain.schedule import Facts, Instalment, Part, Terms, penalty_rate, penalty_ratio

_DAY: Final = timedelta(days=1)


def balance_changed(
    terms: Terms, facts: Facts, position: Position, closed_on: date | None = None
) -> LoanBalanceChanged:
    """Return the balance at the close of `position.as_of`."""
    on, overpaid = position.as_of, credit_minor(facts, position)
    due = _components(terms, position.lines, on)
    not_due = _future(position.lines, on)
    payoff = due.total_minor + not_due.principal_minor + _running_interest(terms, facts.instalments, on)
    return LoanBalanceChanged(
        loan_id=terms.loan_id,
        as_of=on,
        currency=terms.currency,
        due=due,
        not_due=not_due,
        accruing=_accruing(terms, position.lines, on),
        payoff_minor=max(0, payoff - overpaid),
        overpaid_minor=overpaid,
        closed_on=closed_on,
    )


def overdue(terms: Terms, position: Position, on: date) -> Components:
    """Return what is unpaid of lines that fell due before `on`; charged fees and penalty are overdue at once."""
    return _components(terms, position.lines, on - _DAY)


def unpaid_minor(line: Line) -> int:
    """Return what is still to be paid of an instalment itself, without penalty and charged fees."""
    return line.principal_minor + line.interest_minor + line.fee_minor


def allocated(parts: tuple[Part, ...]) -> tuple[AllocatedPart, ...]:
    """Return the parts in their published form, by instalment and component."""
    return tuple(
        AllocatedPart(no=p.no, component=p.component, amount_minor=p.amount_minor)
        for p in sorted(parts, key=lambda p: (p.no, p.component))
    )


def _components(terms: Terms, lines: tuple[Line, ...], last_on: date) -> Components:
    """Return what is unpaid of the lines that fall due by `last_on`, and the fees and penalty of all."""
    fee = penalty = interest = principal = 0
    for line in lines:
        fee += line.charged_minor
        penalty += posted_penalty(terms, line.penalty_days) - line.penalty_paid_minor
        if line.due_on <= last_on:
            fee += line.fee_minor
            interest += line.interest_minor
            principal += line.principal_minor
    return Components(fee_minor=fee, penalty_minor=penalty, interest_minor=interest, principal_minor=principal)


def _future(lines: tuple[Line, ...], on: date) -> Components:
    fee = interest = principal = 0
    for line in lines:
        if line.due_on > on:
            fee += line.fee_minor
            interest += line.interest_minor
            principal += line.principal_minor
    return Components(fee_minor=fee, interest_minor=interest, principal_minor=principal)


def _accruing(terms: Terms, lines: tuple[Line, ...], on: date) -> tuple[Accruing, ...]:
    numerator, _ = penalty_ratio(terms.annual_rate, terms.penalty_multiplier, terms.day_count)
    if not numerator:
        return ()
    rate = penalty_rate(terms.annual_rate, terms.penalty_multiplier)
    return tuple(
        [
            Accruing(
                kind="penalty",
                base_minor=line.principal_minor,
                rate=rate,
                day_count=terms.day_count,
                from_on=on,
                grown_minor_days=line.penalty_days,
            )
            for line in lines
            if line.due_on <= on and line.principal_minor
        ]
    )


def _running_interest(terms: Terms, instalments: tuple[Instalment, ...], on: date) -> int:
    """Return the scheduled interest of the next instalments that has been earned so far, each rounded half up."""
    start, next_on = terms.disbursed_on, date.max
    for one in instalments:
        if one.due_on <= on:
            start = max(start, one.due_on)
        else:
            next_on = min(next_on, one.due_on)
    passed, whole = max(0, (on - start).days), (next_on - start).days
    return sum(
        [(2 * i.interest_minor * passed + whole) // (2 * whole) for i in instalments if i.due_on == next_on and whole]
    )
