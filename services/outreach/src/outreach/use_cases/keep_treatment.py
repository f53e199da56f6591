"""TreatmentSelected → the case follows it; one that comes before the case is kept for it."""

from __future__ import annotations

from arrears.events.scoring import TreatmentSelected
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.case_commands import KeepTreatment
from outreach.use_cases.cause import because_of
from outreach.use_cases.streams import case_of, contacts_of, home_day


async def keep_treatment(event: Recorded, work: Work) -> None:
    """Adopt the treatment as of its business day, which may be closed later than it ended, and plan its first day."""
    selected = event.data
    assert isinstance(selected, TreatmentSelected)
    contacts = await work.state(contacts_of(event.debtor_id))
    on = event.meta.effective_on or home_day(event.occurred_at)
    command = KeepTreatment(selected, on, contacts.points)
    await work.execute(case_of(event.debtor_id), command, because_of(event))
