"""← RepaymentPosted: money is allocated in the loan; money for a loan we never saw waits as an unmatched receipt."""

from __future__ import annotations

from arrears.events.corebanking import RepaymentPosted
from arrears.eventstore.work import Work
from arrears.values.identity import derived_id
from ingest.domain.loan_commands import PostRepayment
from ingest.domain.receipt import OpenUnmatchedReceipt
from ingest.use_cases.open_receipt import open_receipt
from ingest.use_cases.told import Told, closed_on, is_booked


async def post_repayment(told: Told, event: RepaymentPosted, work: Work) -> None:
    """Post the money, or keep it for a person."""
    loan = told.loan(event.loan_ref, event.customer_ref)
    if not await is_booked(loan, work):
        money = OpenUnmatchedReceipt(
            receipt_id=derived_id("receipt", told.cause.tenant, told.source, event.posting_ref),
            amount_minor=event.amount_minor, currency=event.currency, value_on=event.value_on,
            reference=event.loan_ref, source_document=told.source, reason="the loan is not in the book",
        )  # fmt: skip
        await open_receipt(money, told.cause, work)
        return
    command = PostRepayment(
        posting_ref=event.posting_ref,
        txn=event.external_txn or event.posting_ref,
        amount_minor=event.amount_minor,
        currency=event.currency,
        value_on=event.value_on,
        received_at=told.at,
        known_on=told.known_on,
        channel=event.channel,
        payer_kind=event.payer_kind,
        closed_on=await closed_on(work, loan.debtor_id),
    )
    await work.execute(loan, command, told.cause, effective_on=event.value_on)
