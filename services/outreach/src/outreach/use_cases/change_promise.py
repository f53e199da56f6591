"""Whatever changes a promise: an open one holds the case, its end releases it."""

from __future__ import annotations

from datetime import date
from typing import Any

from arrears.events.registry import Event
from arrears.eventstore.work import Cause, Work
from outreach.domain.case_commands import HoldCase, ReleaseCase
from outreach.domain.promise import Command
from outreach.use_cases.streams import case_of, promises_of
from outreach.use_cases.tell_contacts import tell_contacts


async def change_promise(
    loan_id: str, debtor_id: str, command: Command, cause: Cause, work: Work, *, on: date, sparing: str = ""
) -> tuple[Event, ...]:
    """Carry out a command on the loan's promise, and hold or release the case as its status changes.

    Raises:
        Refusal: as the promise's decider does.
    """
    ref = promises_of(loan_id, debtor_id)
    before: Any = (await work.state(ref)).open
    events = await work.execute(ref, command, cause, effective_on=on)
    after: Any = (await work.state(ref)).open
    old, new = (before.promise_id if before else ""), (after.promise_id if after else "")
    if old == new:
        return events
    if new:
        await work.execute(case_of(debtor_id), HoldCase("promise", new), cause, effective_on=on)
    if old:
        await work.execute(case_of(debtor_id), ReleaseCase("promise", old), cause, effective_on=on)
    await tell_contacts(debtor_id, cause, work, sparing)
    return events
