"""DelinquencyBucketChanged → score and segment again; LoanBalanceChanged → the amount that the next score sees."""

from __future__ import annotations

from arrears.events.ingest import DelinquencyBucketChanged, LoanBalanceChanged
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from scoring.domain.assessment import ReviseAmount, ReviseDelinquency, assessment_of
from scoring.use_cases.cause import because_of


async def revise_delinquency(event: Recorded, work: Work) -> None:
    """Score the debtor again; the treatment changes only with the segment."""
    changed = event.data
    assert isinstance(changed, DelinquencyBucketChanged)
    command = ReviseDelinquency(
        debtor_id=event.debtor_id, loan_id=changed.loan_id, episode_id=changed.episode_id, as_of=changed.as_of,
        days_past_due=changed.days_past_due, bucket=changed.to_bucket, at=work.now,
    )  # fmt: skip
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=changed.as_of)


async def revise_amount(event: Recorded, work: Work) -> None:
    """Remember what is overdue now; loans that are not overdue are not followed."""
    changed = event.data
    assert isinstance(changed, LoanBalanceChanged)
    command = ReviseAmount(changed.loan_id, changed.as_of, max(0, changed.due.total_minor))
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=changed.as_of)
