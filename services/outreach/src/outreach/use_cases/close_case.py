"""LoanCured → the loan leaves the case; the last one closes it, from whatever state."""

from __future__ import annotations

from arrears.events.ingest import LoanCured
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.case_commands import CureLoan
from outreach.domain.promise import CancelPromise
from outreach.use_cases.cause import because_of
from outreach.use_cases.change_promise import change_promise
from outreach.use_cases.streams import case_of
from outreach.use_cases.tell_contacts import tell_contacts


async def close_case(event: Recorded, work: Work) -> None:
    """Void permits, drop a promise that has lost its object, and close."""
    cured = event.data
    assert isinstance(cured, LoanCured)
    cause = because_of(event)
    cancel = CancelPromise("paid_other", cured.cured_on)
    await change_promise(cured.loan_id, event.debtor_id, cancel, cause, work, on=cured.cured_on)
    command = CureLoan(cured.loan_id, cured.cured_on, cured.paid_off)
    await work.execute(case_of(event.debtor_id), command, cause, effective_on=cured.cured_on)
    await tell_contacts(event.debtor_id, cause, work)
