"""LoanCured → the loan leaves the assessment; with the last one segment and treatment end."""

from __future__ import annotations

from arrears.events.ingest import LoanCured
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from scoring.domain.assessment import EndEpisode, assessment_of
from scoring.use_cases.cause import because_of


async def end_episode(event: Recorded, work: Work) -> None:
    """End the assessment of a cured loan."""
    cured = event.data
    assert isinstance(cured, LoanCured)
    command = EndEpisode(cured.loan_id, cured.episode_id, cured.cured_on)
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=cured.cured_on)
