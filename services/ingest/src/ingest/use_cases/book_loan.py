"""← LoanBooked: the person becomes known, with sealed ways to reach them, and the loan enters the book."""

from __future__ import annotations

from arrears.events.corebanking import CustomerData, LoanBooked
from arrears.eventstore.work import Work
from ingest.domain.debtor import AddContactPoint, PointKind, RegisterDebtor
from ingest.domain.loan_commands import BookLoan
from ingest.domain.schedule import Instalment, Terms
from ingest.use_cases.ports import Sealer
from ingest.use_cases.told import Step, Told, closed_on


def book_loan(sealer: Sealer) -> Step[LoanBooked]:
    """Return the step, bound to what seals personal values."""

    async def step(told: Told, event: LoanBooked, work: Work) -> None:
        debtor_id = told.debtor_id(event.customer_ref)
        if not (await work.state(told.debtor(event.customer_ref))).known:
            await register_debtor(told, event.customer_ref, event.customer, sealer, work)
        command = BookLoan(
            terms=_terms(told, event),
            external_ref=event.loan_ref,
            source=told.source,
            product=event.product,
            payment_reference=compact(event.payment_reference),
            instalments=tuple(
                Instalment(i.no, i.due_on, i.principal_minor, i.interest_minor, i.fee_minor) for i in event.instalments
            ),
            closed_on=await closed_on(work, debtor_id),
        )
        loan = told.loan(event.loan_ref, event.customer_ref)
        await work.execute(loan, command, told.cause, effective_on=event.disbursed_on)

    return step


def _terms(told: Told, event: LoanBooked) -> Terms:
    return Terms(
        loan_id=told.loan(event.loan_ref, event.customer_ref).id,
        currency=event.currency,
        principal_minor=event.principal_minor,
        disbursed_on=event.disbursed_on,
        annual_rate=event.annual_rate,
        penalty_multiplier=event.penalty_multiplier,
        day_count=event.day_count,
        grace_days=event.grace_days,
        tolerance_minor=event.tolerance_minor,
    )


def compact(reference: str) -> str:
    """Return a payment reference as banks compare it: without spaces, in capitals."""
    return "".join(reference.split()).upper()


async def register_debtor(told: Told, customer_ref: str, customer: CustomerData, sealer: Sealer, work: Work) -> None:
    """Make a person known, with the contact points that core banking told."""
    debtor = told.debtor(customer_ref)
    name = sealer.seal(debtor.id, debtor.key, "DebtorRegistered", "name_sealed", customer.name)
    register = RegisterDebtor(told.source, customer_ref, name, customer.language, customer.zone)
    await work.execute(debtor, register, told.cause)
    await add_contact_points(told, customer_ref, customer, sealer, work)


async def add_contact_points(told: Told, customer_ref: str, customer: CustomerData, sealer: Sealer, work: Work) -> None:
    """Add the contact points that are not known yet."""
    debtor = told.debtor(customer_ref)
    zones = (customer.zone,) if customer.zone else ()
    points: tuple[tuple[PointKind, str], ...] = (("mobile", customer.phone), ("email", customer.email))
    for kind, value in points:
        if value:
            sealed = sealer.seal(debtor.id, debtor.key, "ContactPointAdded", "value_sealed", value)
            point = AddContactPoint(sealer.token(debtor.id, kind, value), kind, sealed, zones)
            await work.execute(debtor, point, told.cause)
