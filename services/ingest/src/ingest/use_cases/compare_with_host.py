"""← InstalmentFellDue, DelinquencyReported: a host that tells loans piecemeal.

The instalment is a fact and enters the schedule, and with it the loan if this is its first word. What the host counts as
overdue is a hint: it is compared with our own figure, never taken over (a skipped day at the host never sends its event).
"""

from __future__ import annotations

from datetime import date

from arrears.events.corebanking import DelinquencyReported, InstalmentFellDue
from arrears.eventstore.work import Work
from ingest.domain.debtor import RegisterDebtor
from ingest.domain.loan_commands import BookLoan, CompareWithHost, ScheduleInstalment
from ingest.domain.schedule import Instalment, Terms
from ingest.use_cases.told import Told, closed_on, is_booked


async def take_instalment(told: Told, event: InstalmentFellDue, work: Work) -> None:
    """Put the instalment into the loan and compare what the host counts as overdue."""
    loan, told_one = told.loan(event.loan_ref, event.customer_ref), event.instalment
    one = Instalment(
        told_one.no, told_one.due_on, told_one.principal_minor, told_one.interest_minor, told_one.fee_minor
    )
    if not await is_booked(loan, work):
        begun_on = min(event.business_on, one.due_on)
        await _book(told, event.loan_ref, event.customer_ref, event.currency, begun_on, one, work)
    else:
        change_ref = f"{event.business_on}/{one.no}"
        known = await closed_on(work, loan.debtor_id)
        await work.execute(loan, ScheduleInstalment(change_ref, one, known), told.cause)
    await work.execute(loan, CompareWithHost(event.past_due_minor, event.business_on), told.cause)


async def compare_delinquency(told: Told, event: DelinquencyReported, work: Work) -> None:
    """Compare the host's overdue amount; a loan first heard of this way enters the book with what it says is overdue."""
    loan = told.loan(event.loan_ref, event.customer_ref)
    if not await is_booked(loan, work):
        if not event.overdue_minor or event.since is None:
            return
        rest = max(0, event.overdue_minor - event.overdue_principal_minor)
        one = Instalment(1, event.since, event.overdue_principal_minor, 0, rest)
        await _book(told, event.loan_ref, event.customer_ref, event.currency, event.since, one, work)
    await work.execute(loan, CompareWithHost(event.overdue_minor, event.business_on), told.cause)


async def _book(
    told: Told, loan_ref: str, customer_ref: str, currency: str, begun_on: date, one: Instalment, work: Work
) -> None:
    """Book a loan of which only one instalment is known; the host charges penalty itself, so ours is zero."""
    debtor, loan = told.debtor(customer_ref), told.loan(loan_ref, customer_ref)
    await work.execute(debtor, RegisterDebtor(told.source, customer_ref, "", "en", ""), told.cause)
    command = BookLoan(
        terms=Terms(
            loan_id=loan.id, currency=currency, principal_minor=one.principal_minor or one.interest_minor or 1,
            disbursed_on=begun_on, annual_rate="0", penalty_multiplier="1", day_count="ACT360", grace_days=0,
            tolerance_minor=0,
        ),
        external_ref=loan_ref, source=told.source, product="unknown", payment_reference="", instalments=(one,),
        closed_on=await closed_on(work, loan.debtor_id),
    )  # fmt: skip
    await work.execute(loan, command, told.cause)
