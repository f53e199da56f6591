"""RepaymentReceived, RepaymentReversed → what a debt in legal hands has brought in."""

from __future__ import annotations

from arrears.events.ingest import RepaymentReceived, RepaymentReversed
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from legal.domain.debt import debt_of
from legal.domain.legal_case import ReduceClaim, RestoreClaim, legal_case_of
from legal.use_cases.cause import because_of


async def reduce_claim(event: Recorded, work: Work) -> None:
    """Count money for a loan of an escalated case; what was overpaid is not part of the claim."""
    received = event.data
    assert isinstance(received, RepaymentReceived)
    debt = await work.state(debt_of(event.debtor_id))
    if debt.case_id:
        amount = received.amount_minor - received.overpayment_minor
        command = ReduceClaim(received.loan_id, received.repayment_id, amount, received.value_on)
        ref = legal_case_of(debt.case_id, event.debtor_id)
        await work.execute(ref, command, because_of(event), effective_on=received.value_on)


async def restore_claim(event: Recorded, work: Work) -> None:
    """Take a reversed repayment out of what was recovered."""
    taken_back = event.data
    assert isinstance(taken_back, RepaymentReversed)
    debt = await work.state(debt_of(event.debtor_id))
    if debt.case_id:
        command = RestoreClaim(taken_back.repayment_id, taken_back.value_on)
        ref = legal_case_of(debt.case_id, event.debtor_id)
        await work.execute(ref, command, because_of(event), effective_on=taken_back.value_on)
