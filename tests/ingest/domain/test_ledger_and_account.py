"""The ledger that carries its position forward and the account that computes from the first day tell the same numbers."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from tests.ingest.domain.accounts import CC561, FIRST, at, terms
from tests.ingest.domain.loans import run
from tests.ingest.domain.test_loan_properties import courses, days

from ingest.domain.account.facts import Fact, FeeCharged, Instalment, Repaid, RepaymentReversed, ScheduleSet
from ingest.domain.account.terms import Policies
from ingest.domain.balances import balance_changed, overdue
from ingest.domain.loan_commands import LoanCommand
from ingest.domain.loan_state import Loan, position_at

TERMS = terms(allocation=Policies(CC561, CC561, CC561, CC561))


def as_facts(loan: Loan) -> list[Fact]:
    """Return what the loan knows, as the account takes it."""
    known = loan.facts
    rows = tuple(
        Instalment(i.no, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor) for i in known.instalments
    )
    facts: list[Fact] = [ScheduleSet(recorded_on=FIRST, version=1, instalments=rows)]
    facts += [FeeCharged(recorded_on=FIRST, on=fee.on, amount=fee.amount_minor, kind="notice") for fee in known.fees]
    for one in known.receipts:
        paid = Repaid(
            recorded_on=FIRST, id=one.repayment_id, amount=one.amount_minor, value_date=one.value_on, channel="transfer"
        )
        facts.append(paid)
    for one in known.receipts:
        if one.reversed_on:
            back = RepaymentReversed(
                recorded_on=FIRST, id=one.repayment_id, value_date=one.reversed_on, reason="bounce"
            )
            facts.append(back)
    return facts


@given(courses(), days)
@settings(deadline=None, max_examples=300)
def test_both_agree_on_every_course(course: list[LoanCommand], on: date) -> None:
    loan, _ = run(*course)
    position = position_at(loan, on)
    told, balance = at(on, *as_facts(loan), of=TERMS), balance_changed(loan.terms, loan.facts, position)
    owed = overdue(loan.terms, position, on)
    assert told.overdue["principal"] == owed.principal_minor
    assert told.overdue["interest"] == owed.interest_minor
    assert told.overdue["penalty"] == owed.penalty_minor
    assert told.overpayment == balance.overpaid_minor
    assert told.payoff_total == balance.payoff_minor
    paid = {
        receipt.repayment_id: {(p.no, p.component): p.amount_minor for p in one.parts}
        for receipt, one in zip(loan.facts.receipts, position.allocations, strict=True)
    }
    for one in told.allocations:
        assert {(p.no, p.component): p.amount for p in one.parts} == paid[one.repayment]
