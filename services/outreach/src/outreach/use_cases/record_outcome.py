"""A contact has taken place → its outcome is kept, and the step that it carried out is done."""

from __future__ import annotations

from typing import Any

from arrears.eventstore.work import Cause, Work
from outreach.domain.case_commands import FinishStep
from outreach.domain.contact import RecordAttempt
from outreach.use_cases.streams import case_of, contacts_of, home_day


async def record_outcome(debtor_id: str, outcome: RecordAttempt, cause: Cause, work: Work) -> None:
    """Record what came of a permitted contact.

    Raises:
        UnknownAttempt, PermitReleased, ContactOutsidePermit: there was no permit for it.
    """
    ref = contacts_of(debtor_id)
    if await work.execute(ref, outcome, cause):
        await finish_step(debtor_id, outcome.attempt_id, cause, work)


async def finish_step(debtor_id: str, attempt_id: str, cause: Cause, work: Work) -> None:
    """Mark the step as done that the attempt carried out: its own, or the planned one of its channel."""
    contacts: Any = await work.state(contacts_of(debtor_id))
    attempt = contacts.attempt(attempt_id)
    on = home_day(attempt.permitted_at)
    await work.execute(case_of(debtor_id), FinishStep(attempt.step_no, attempt.channel, on), cause)
