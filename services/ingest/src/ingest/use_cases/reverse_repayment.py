"""← RepaymentReversed: a posting is taken back, and what it had paid is owed again."""

from __future__ import annotations

from arrears.events.corebanking import RepaymentReversed
from arrears.eventstore.work import Work
from ingest.domain.loan_commands import ReverseRepayment
from ingest.use_cases.told import Told, closed_on


async def reverse_repayment(told: Told, event: RepaymentReversed, work: Work) -> None:
    """Take the money back in the loan."""
    loan = told.loan(event.loan_ref, event.customer_ref)
    command = ReverseRepayment(
        txn=event.posting_ref,
        reversal_ref=event.reversal_ref,
        value_on=event.value_on,
        reason=event.reason,
        closed_on=await closed_on(work, loan.debtor_id),
    )
    await work.execute(loan, command, told.cause, effective_on=event.value_on)
