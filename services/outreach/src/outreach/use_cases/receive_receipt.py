"""The carrier says what became of a message → MessageDelivered."""

from __future__ import annotations

from arrears.events.outreach import ContactAttempted
from arrears.eventstore.work import Work
from outreach.domain.contact import RecordReceipt
from outreach.use_cases.cause import because_of_time
from outreach.use_cases.record_outcome import finish_step
from outreach.use_cases.streams import contacts_of


async def receive_receipt(debtor_id: str, receipt: RecordReceipt, work: Work) -> None:
    """Note the receipt once; one that comes before our own report of the sending proves it.

    Raises:
        UnknownAttempt: the permit is not known, or older than a week.
    """
    cause = because_of_time()
    events = await work.execute(contacts_of(debtor_id), receipt, cause)
    if any(isinstance(event, ContactAttempted) for event in events):
        await finish_step(debtor_id, receipt.attempt_id, cause, work)
