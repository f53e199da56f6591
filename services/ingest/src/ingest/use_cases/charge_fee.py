"""← FeePosted: a fee under a clause of the contract."""

from __future__ import annotations

from arrears.events.corebanking import FeePosted
from arrears.eventstore.work import Work
from ingest.domain.loan_commands import ChargeFee
from ingest.use_cases.told import Told, closed_on


async def charge_fee(told: Told, event: FeePosted, work: Work) -> None:
    """Charge the fee to the loan."""
    loan = told.loan(event.loan_ref, event.customer_ref)
    command = ChargeFee(
        fee_ref=event.fee_ref,
        kind=event.kind,
        amount_minor=event.amount_minor,
        currency=event.currency,
        charged_on=event.charged_on,
        contract_clause=event.contract_clause,
        closed_on=await closed_on(work, loan.debtor_id),
    )
    await work.execute(loan, command, told.cause, effective_on=event.charged_on)
