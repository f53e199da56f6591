"""A permit's minute is over → it is released."""

from __future__ import annotations

from typing import Any

from arrears.events.outreach import ContactReleased
from arrears.eventstore.work import Work
from arrears.wakes import Wake
from outreach.domain.case_commands import NoteTry
from outreach.domain.contact import ExpirePermits
from outreach.use_cases.cause import because_of_time
from outreach.use_cases.streams import case_of, contacts_of


async def release_permits(wake: Wake, work: Work) -> None:
    """Release every unused permit of the person whose time is over at `wake.at`.

    Its step is not tried again that day: the message may have gone out before its report was lost, and the slot stays
    taken. A receipt of the carrier would still prove the sending.
    """
    assert wake.at is not None
    ref, cause = contacts_of(wake.debtor_id), because_of_time()
    before: Any = await work.state(ref)
    for event in await work.execute(ref, ExpirePermits(wake.at), cause):
        assert isinstance(event, ContactReleased)
        attempt = before.attempt(event.attempt_id)
        if attempt is not None and attempt.step_no is not None:
            note = NoteTry(attempt.step_no, attempt.attempt_id, "released", None)
            await work.execute(case_of(wake.debtor_id), note, cause)
