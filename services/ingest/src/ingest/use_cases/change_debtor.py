"""← DebtorChanged: core banking has other data of a person."""

from __future__ import annotations

from arrears.events.corebanking import DebtorChanged
from arrears.eventstore.work import Work
from ingest.domain.debtor import UpdateDebtor
from ingest.use_cases.book_loan import add_contact_points
from ingest.use_cases.ports import Sealer
from ingest.use_cases.told import Step, Told


def change_debtor(sealer: Sealer) -> Step[DebtorChanged]:
    """Return the step, bound to what seals personal values."""

    async def step(told: Told, event: DebtorChanged, work: Work) -> None:
        debtor, customer = told.debtor(event.customer_ref), event.customer
        name = sealer.seal(debtor.id, debtor.key, "DebtorUpdated", "name_sealed", customer.name)
        update = UpdateDebtor(event.change_ref, name, customer.language, customer.zone)
        await work.execute(debtor, update, told.cause)
        await add_contact_points(told, event.customer_ref, customer, sealer, work)

    return step
