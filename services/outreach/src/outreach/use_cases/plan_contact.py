"""A business day closes → its steps end, the next morning is planned, and a treatment without steps left is exhausted."""

from __future__ import annotations

from arrears.eventstore.work import Work
from arrears.wakes import Wake
from outreach.domain.case_commands import CloseDay
from outreach.use_cases.cause import because_of_time
from outreach.use_cases.streams import case_of, contacts_of
from outreach.use_cases.tell_contacts import tell_contacts


async def plan_contact(wake: Wake, work: Work) -> None:
    """Close day `wake.on` of one case."""
    assert wake.on is not None
    contacts = await work.state(contacts_of(wake.debtor_id))
    cause = because_of_time()
    await work.execute(case_of(wake.debtor_id), CloseDay(wake.on, contacts.points), cause, effective_on=wake.on)
    await tell_contacts(wake.debtor_id, cause, work)
