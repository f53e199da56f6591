"""After every step that changes the case: tell the contacts' stream whether contacts are allowed.

The gate decides in the contacts' stream alone, so a stop must stand there: a permit asked for at the same moment meets a
version conflict and is judged again, with the stop.
"""

from __future__ import annotations

from typing import Any

from arrears.eventstore.work import Cause, Work
from outreach.domain.case_state import OpenCase, stop_of
from outreach.domain.contact import SetStop
from outreach.use_cases.streams import case_of, contacts_of


async def tell_contacts(debtor_id: str, cause: Cause, work: Work, sparing: str = "") -> None:
    """Allow or stop contacts as the case says; a stop voids outstanding permits but that of the attempt `sparing`."""
    case: Any = await work.state(case_of(debtor_id))
    case_id = case.case_id if isinstance(case, OpenCase) else ""
    await work.execute(contacts_of(debtor_id), SetStop(stop_of(case), case_id, work.now, sparing), cause)
