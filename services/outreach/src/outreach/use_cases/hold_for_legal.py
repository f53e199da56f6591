"""EscalatedToLegal, LegalCaseClosed → the case rests while the debt goes the legal way."""

from __future__ import annotations

from arrears.events.legal import EscalatedToLegal, LegalCaseClosed
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.case_commands import CloseCase, HoldCase, ReleaseCase
from outreach.use_cases.cause import because_of
from outreach.use_cases.streams import case_of
from outreach.use_cases.tell_contacts import tell_contacts


async def hold_for_legal(event: Recorded, work: Work) -> None:
    """Hold the case: only legal may contact the person now."""
    escalated = event.data
    assert isinstance(escalated, EscalatedToLegal)
    cause = because_of(event)
    hold = HoldCase("legal", escalated.legal_case_id)
    await work.execute(case_of(event.debtor_id), hold, cause, effective_on=escalated.as_of)
    await tell_contacts(event.debtor_id, cause, work)


async def resume_after_legal(event: Recorded, work: Work) -> None:
    """Go on after the legal case, or give up what legal found uncollectable."""
    ended = event.data
    assert isinstance(ended, LegalCaseClosed)
    cause = because_of(event)
    if ended.outcome == "uncollectable":
        command: CloseCase | ReleaseCase = CloseCase("uncollectable", ended.on)
    else:
        command = ReleaseCase("legal", ended.legal_case_id)
    await work.execute(case_of(event.debtor_id), command, cause, effective_on=ended.on)
    await tell_contacts(event.debtor_id, cause, work)
