"""LoanOverdue → score, segment and treatment of the debtor."""

from __future__ import annotations

from arrears.events.ingest import LoanOverdue
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from scoring.domain.assessment import AssessLoan, assessment_of
from scoring.use_cases.cause import because_of


async def assess_overdue_loan(event: Recorded, work: Work) -> None:
    """Assess the debtor of a newly overdue loan; an episode is assessed once."""
    overdue = event.data
    assert isinstance(overdue, LoanOverdue)
    command = AssessLoan(
        debtor_id=event.debtor_id, loan_id=overdue.loan_id, episode_id=overdue.episode_id, as_of=overdue.as_of,
        days_past_due=overdue.days_past_due, bucket=overdue.bucket, overdue_minor=overdue.total_due_minor,
        currency=overdue.currency, prior_episodes=overdue.prior_episodes, at=work.now,
    )  # fmt: skip
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=overdue.as_of)
