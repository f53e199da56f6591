"""LoanOverdue → the person's case opens, or the loan joins it."""

from __future__ import annotations

from arrears.events.ingest import DelinquencyBucketChanged, LoanOverdue
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.case_commands import AddOverdueLoan, ReopenLoan
from outreach.domain.case_state import LoanInCase
from outreach.use_cases.cause import because_of
from outreach.use_cases.streams import case_of, contacts_of
from outreach.use_cases.tell_contacts import tell_contacts


async def open_case(event: Recorded, work: Work) -> None:
    """Open the case of a newly overdue loan, with the treatment that scoring may have chosen before."""
    overdue = event.data
    assert isinstance(overdue, LoanOverdue)
    contacts = await work.state(contacts_of(event.debtor_id))
    loan = LoanInCase(
        loan_id=overdue.loan_id, currency=overdue.currency, due_minor=overdue.total_due_minor,
        payoff_minor=overdue.payoff_minor, as_of=overdue.as_of,
    )  # fmt: skip
    command = AddOverdueLoan(event.debtor_id, loan, overdue.bucket, overdue.as_of, contacts.points)
    cause = because_of(event)
    await work.execute(case_of(event.debtor_id), command, cause, effective_on=overdue.as_of)
    await tell_contacts(event.debtor_id, cause, work)


async def reopen_case(event: Recorded, work: Work) -> None:
    """Take a loan back whose cure was undone (a reversal goes on with the old episode and has no LoanOverdue)."""
    moved = event.data
    assert isinstance(moved, DelinquencyBucketChanged)
    if moved.to_bucket == "M0":
        return
    contacts = await work.state(contacts_of(event.debtor_id))
    command = ReopenLoan(event.debtor_id, moved.loan_id, moved.to_bucket, moved.as_of, contacts.points)
    cause = because_of(event)
    await work.execute(case_of(event.debtor_id), command, cause, effective_on=moved.as_of)
    await tell_contacts(event.debtor_id, cause, work)
