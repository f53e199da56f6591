"""ContactAttempted, PromiseKept, PromiseBroken, RepaymentReceived → the counts that a score depends on."""

from __future__ import annotations

from arrears.events.ingest import RepaymentReceived
from arrears.events.outreach import ContactAttempted, PromiseBroken, PromiseKept
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from scoring.domain.assessment import ObserveBehaviour, assessment_of
from scoring.use_cases.cause import because_of


async def observe_behaviour(event: Recorded, work: Work) -> None:
    """Count what the debtor did or what was tried."""
    command = _observation(event)
    await work.execute(assessment_of(event.debtor_id), command, because_of(event), effective_on=command.on)


def _observation(event: Recorded) -> ObserveBehaviour:
    match event.data:
        case ContactAttempted(attempt_id=ref, started_at=at, right_party=right_party):
            return ObserveBehaviour("right_party_contact" if right_party else "contact_attempted", ref, at.date())
        case PromiseKept(promise_id=ref, on=on):
            return ObserveBehaviour("promise_kept", ref, on)
        case PromiseBroken(promise_id=ref, on=on):
            return ObserveBehaviour("promise_broken", ref, on)
        case RepaymentReceived(repayment_id=ref, value_on=on, loan_id=loan_id):
            return ObserveBehaviour("repayment", ref, on, loan_id)
        case _:
            raise TypeError(f"{type(event.data).__name__} is no behaviour")
