"""What a position means in words that travel: due, not due, accruing, payoff. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from arrears.events.ingest import AllocatedPart, LoanBalanceChanged
from arrears.values.balance import Accruing, Components
from ingest.domain.ledger import Line, Position, credit_minor, posted_penalty
from ingest.domain.schedule import Facts, Instalment, Part, Terms, penalty_ratio


def balance_changed(
    terms: Terms, facts: Facts, position: Position, closed_on: date | None = None
) -> LoanBalanceChanged:
    """Return the balance at the close of `position.as_of`."""
    on, overpaid = position.as_of, credit_minor(facts, position)
    due = _components(terms, position.lines, lambda line: line.due_on <= on)
    payoff = due.total_minor + sum(line.principal_minor for line in position.lines if line.due_on > on)
    return LoanBalanceChanged(
        loan_id=terms.loan_id,
        as_of=on,
        currency=terms.currency,
        due=due,
        not_due=_future(position.lines, on),
        accruing=_accruing(terms, position.lines, on),
        payoff_minor=max(0, payoff + _running_interest(terms, facts.instalments, on) - overpaid),
        overpaid_minor=overpaid,
        closed_on=closed_on,
    )


def overdue(terms: Terms, position: Position, on: date) -> Components:
    """Return what is unpaid of lines that fell due before `on`; charged fees and penalty are overdue at once."""
    return _components(terms, position.lines, lambda line: line.due_on < on)


def unpaid_minor(line: Line) -> int:
    """Return what is still to be paid of an instalment itself, without penalty and charged fees."""
    return line.principal_minor + line.interest_minor + line.fee_minor


def allocated(parts: tuple[Part, ...]) -> tuple[AllocatedPart, ...]:
    """Return the parts in their published form, by instalment and component."""
    return tuple(
        AllocatedPart(no=p.no, component=p.component, amount_minor=p.amount_minor)
        for p in sorted(parts, key=lambda p: (p.no, p.component))
    )


def _components(terms: Terms, lines: tuple[Line, ...], payable: Callable[[Line], bool]) -> Components:
    fee = penalty = interest = principal = 0
    for line in lines:
        fee += line.charged_minor
        penalty += posted_penalty(terms, line.penalty_days) - line.penalty_paid_minor
        if payable(line):
            fee += line.fee_minor
            interest += line.interest_minor
            principal += line.principal_minor
    return Components(fee_minor=fee, penalty_minor=penalty, interest_minor=interest, principal_minor=principal)


def _future(lines: tuple[Line, ...], on: date) -> Components:
    coming = [line for line in lines if line.due_on > on]
    return Components(
        fee_minor=sum(line.fee_minor for line in coming),
        interest_minor=sum(line.interest_minor for line in coming),
        principal_minor=sum(line.principal_minor for line in coming),
    )


def _accruing(terms: Terms, lines: tuple[Line, ...], on: date) -> tuple[Accruing, ...]:
    numerator, _ = penalty_ratio(terms.annual_rate, terms.penalty_multiplier, terms.day_count)
    if not numerator:
        return ()
    rate = format(Decimal(terms.annual_rate) * Decimal(terms.penalty_multiplier), "f")
    return tuple(
        Accruing(kind="penalty", base_minor=line.principal_minor, rate=rate, day_count=terms.day_count, from_on=on)
        for line in lines
        if line.due_on <= on and line.principal_minor
    )


def _running_interest(terms: Terms, instalments: tuple[Instalment, ...], on: date) -> int:
    """Return the scheduled interest of the next instalments that has been earned so far, each rounded half up."""
    coming = [i for i in instalments if i.due_on > on]
    if not coming:
        return 0
    next_on = min(i.due_on for i in coming)
    start = max((i.due_on for i in instalments if i.due_on <= on), default=terms.disbursed_on)
    passed, whole = max(0, (on - start).days), (next_on - start).days
    return sum(
        (2 * i.interest_minor * passed + whole) // (2 * whole) for i in coming if i.due_on == next_on and whole > 0
    )
