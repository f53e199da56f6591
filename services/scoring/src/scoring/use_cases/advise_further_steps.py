"""TreatmentExhausted → advice to go the legal way, or a cheap follow-up where a suit would not pay."""

from __future__ import annotations

from arrears.events.outreach import TreatmentExhausted
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from scoring.domain.assessment import AdviseFurtherSteps, assessment_of
from scoring.use_cases.cause import because_of


async def advise_further_steps(event: Recorded, work: Work) -> None:
    """Advise once a case and treatment; a strategy that is no longer followed is not judged."""
    exhausted = event.data
    assert isinstance(exhausted, TreatmentExhausted)
    command = AdviseFurtherSteps(
        debtor_id=event.debtor_id, case_id=exhausted.case_id, strategy_id=exhausted.strategy_id,
        version=exhausted.version, at=work.now,
    )  # fmt: skip
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=exhausted.on)
