"""LoanOverdue, LoanBalanceChanged, DelinquencyBucketChanged → what could be claimed of the debtor's overdue loans."""

from __future__ import annotations

from arrears.events.ingest import DelinquencyBucketChanged, LoanBalanceChanged, LoanOverdue
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from legal.domain.debt import ReopenClaim, ReviseClaim, WatchClaim, debt_of
from legal.use_cases.cause import because_of


async def watch_claim(event: Recorded, work: Work) -> None:
    """Follow a newly overdue loan; its balance comes behind, in the same transaction of ingest."""
    overdue = event.data
    assert isinstance(overdue, LoanOverdue)
    command = WatchClaim(overdue.loan_id, overdue.as_of, overdue.currency, overdue.overdue)
    await work.execute(debt_of(event.debtor_id), command, because_of(event), effective_on=overdue.as_of)


async def revise_claim(event: Recorded, work: Work) -> None:
    """Keep what is due on an overdue loan, and what it grows by."""
    changed = event.data
    assert isinstance(changed, LoanBalanceChanged)
    command = ReviseClaim(changed.loan_id, changed.as_of, changed.due, changed.accruing)
    await work.execute(debt_of(event.debtor_id), command, because_of(event), effective_on=changed.as_of)


async def reopen_claim(event: Recorded, work: Work) -> None:
    """Follow a loan again whose cure was undone; a bucket of a loan that is followed tells nothing new."""
    moved = event.data
    assert isinstance(moved, DelinquencyBucketChanged)
    if moved.to_bucket != "M0":
        command = ReopenClaim(moved.loan_id, moved.as_of)
        await work.execute(debt_of(event.debtor_id), command, because_of(event), effective_on=moved.as_of)
