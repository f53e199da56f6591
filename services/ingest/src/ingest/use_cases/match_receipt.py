"""← a payment in a bank file: it is posted to the loan whose reference it quotes, or kept for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from arrears.decider import StreamRef
from arrears.eventstore.work import Cause, Work
from arrears.refusals import Refusal
from arrears.values.identity import derived_id
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import PostRepayment
from ingest.domain.receipt import OpenUnmatchedReceipt
from ingest.use_cases.open_receipt import open_receipt
from ingest.use_cases.ports import LoanAddress
from ingest.use_cases.told import LoanRef, closed_on

Outcome = Literal["applied", "repeated", "unmatched"]


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a bank reports. `identity` is the bank's own; `reference` is what the payer quoted.

    `names` are what may name the loan, the surest first: each level is tried when the one before named none. `unclear`
    says why the entry can only be looked into by a person.
    """

    identity: str
    amount_minor: int
    currency: str
    value_on: date
    booked_on: date
    reference: str
    document: str
    names: tuple[tuple[str, ...], ...] = ()
    unclear: str = ""


async def match_receipt(
    payment: Payment, known: Mapping[str, Sequence[LoanAddress]], cause: Cause, at: datetime, work: Work
) -> Outcome:
    """Post the payment to the one loan it names; otherwise open an unmatched receipt with the reason.

    `known` are the loans that carry the names of this payment and others.
    """
    if payment.unclear:
        return await _keep(payment, payment.unclear, cause, work)
    if not any(payment.names):
        return await _keep(payment, "the payment quotes no reference", cause, work)
    loans = _named(payment.names, known)
    if len(loans) != 1:
        reason = "several loans have this reference" if loans else "no loan has this reference"
        return await _keep(payment, reason, cause, work)
    loan: LoanRef = StreamRef(LOAN, loans[0].loan_id, loans[0].debtor_id)
    command = PostRepayment(
        posting_ref=payment.identity,
        txn=payment.identity,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        value_on=payment.value_on,
        received_at=at,
        known_on=max(payment.booked_on, payment.value_on),
        closed_on=await closed_on(work, loan.debtor_id),
    )
    try:
        events = await work.execute(loan, command, cause, effective_on=payment.value_on)
    except Refusal as refusal:
        return await _keep(payment, refusal.message, cause, work)
    return "applied" if events else "repeated"


def _named(names: Sequence[Sequence[str]], known: Mapping[str, Sequence[LoanAddress]]) -> Sequence[LoanAddress]:
    """Return the loans of the first level that names any; one loan, or the payment is nobody's for sure."""
    for level in names:
        if found := {loan.loan_id: loan for name in level for loan in known.get(name, ())}:
            return tuple(found.values())
    return ()


async def _keep(payment: Payment, reason: str, cause: Cause, work: Work) -> Outcome:
    money = OpenUnmatchedReceipt(
        receipt_id=derived_id("receipt", cause.tenant, "bank", payment.identity),
        amount_minor=payment.amount_minor, currency=payment.currency, value_on=payment.value_on,
        reference=payment.reference, source_document=payment.document, reason=reason,
    )  # fmt: skip
    await open_receipt(money, cause, work)
    return "unmatched"
