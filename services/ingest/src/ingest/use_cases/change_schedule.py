"""← ScheduleChanged: what falls due from a date on is replaced."""

from __future__ import annotations

from arrears.events.corebanking import ScheduleChanged
from arrears.eventstore.work import Work
from ingest.domain.loan_commands import ChangeSchedule
from ingest.domain.schedule import Instalment
from ingest.use_cases.told import Told, closed_on


async def change_schedule(told: Told, event: ScheduleChanged, work: Work) -> None:
    """Put the new schedule into the loan."""
    loan = told.loan(event.loan_ref, event.customer_ref)
    command = ChangeSchedule(
        change_ref=event.change_ref,
        effective_on=event.effective_on,
        instalments=tuple(
            Instalment(i.no, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor) for i in event.instalments
        ),
        closed_on=await closed_on(work, loan.debtor_id),
    )
    await work.execute(loan, command, told.cause, effective_on=event.effective_on)
