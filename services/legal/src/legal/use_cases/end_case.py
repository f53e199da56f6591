"""LoanCured of the last loan, CaseClosed → the proposal falls away, or the legal case closes."""

from __future__ import annotations

from typing import Final

from arrears.events.ingest import LoanCured
from arrears.events.outreach import CaseClosed
from arrears.eventstore.work import Cause, Work
from arrears.recorded import Recorded
from legal.domain.debt import ExtinguishClaim, ReleaseDebt, debt_of
from legal.domain.legal_case import EndCase, Outcome, legal_case_of
from legal.use_cases.cause import because_of

# What the end of the collection case means for the suit; cured and paid off leave it to the money that came.
_OUTCOMES: Final[dict[str, Outcome]] = {
    "settled": "settled",
    "uncollectable": "uncollectable",
    "sold": "withdrawn",
    "deceased": "withdrawn",
}


async def extinguish_claim(event: Recorded, work: Work) -> None:
    """Let go of a cured loan; with the last loan of the case the case ends."""
    cured = event.data
    assert isinstance(cured, LoanCured)
    cause, on = because_of(event), cured.cured_on
    debt_ref = debt_of(event.debtor_id)
    await work.execute(debt_ref, ExtinguishClaim(cured.loan_id, on), cause, effective_on=on)
    debt = await work.state(debt_ref)
    if not debt.case_id:
        return
    case_ref = legal_case_of(debt.case_id, event.debtor_id)
    case = await work.state(case_ref)
    if not any(loan_id in debt.claims for loan_id in case.loan_ids):
        await work.execute(case_ref, EndCase(on), cause, effective_on=on)
        await release_if_ended(debt.case_id, event.debtor_id, cause, work)


async def end_with_collection_case(event: Recorded, work: Work) -> None:
    """End the legal case with the collection case that asked for it."""
    closed = event.data
    assert isinstance(closed, CaseClosed)
    cause = because_of(event)
    command = EndCase(closed.on, _OUTCOMES.get(closed.reason))
    await work.execute(legal_case_of(closed.case_id, event.debtor_id), command, cause, effective_on=closed.on)
    await release_if_ended(closed.case_id, event.debtor_id, cause, work)


async def release_if_ended(case_id: str, debtor_id: str, cause: Cause, work: Work) -> None:
    """Let the debt go when nobody has to decide about it and nothing is pursued any more."""
    case = await work.state(legal_case_of(case_id, debtor_id))
    if not case.live:
        await work.execute(debt_of(debtor_id), ReleaseDebt(case_id), cause)
