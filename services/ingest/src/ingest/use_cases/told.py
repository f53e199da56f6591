"""How a fact reached us: from which source, for which tenant, told when, and because of what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

import msgspec

from arrears.decider import StreamRef
from arrears.events.registry import Event
from arrears.eventstore.work import Cause, Work
from arrears.recorded import Actor, Recorded
from arrears.values import identity
from ingest.domain.business_day import calendar_of
from ingest.domain.debtor import DEBTOR, DebtorCommand, DebtorState
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import LoanCommand
from ingest.domain.loan_state import LoanState, Unbooked

NATIVE: Final = "corebanking"
NATIVE_TOPIC: Final = "corebanking.events"

E = TypeVar("E", bound=Event)
# A batch names the same loans again and again: in `touches`, in the step, and from record to record.
_debtor_id = lru_cache(maxsize=65_536)(identity.debtor_id)

LoanRef = StreamRef[LoanCommand, LoanState]


@lru_cache(maxsize=65_536)
def loan_of(tenant: str, source: str, loan_ref: str, customer_ref: str) -> LoanRef:
    """Return the stream of a loan by the names that its source gives."""
    return StreamRef(LOAN, identity.loan_id(tenant, source, loan_ref), _debtor_id(tenant, source, customer_ref))


class Told(msgspec.Struct, frozen=True):
    """The circumstances of a fact. `source` is part of every identity drawn from the fact's own references."""

    source: str
    at: datetime
    cause: Cause

    @property
    def known_on(self) -> date:
        """The date (UTC) on which the fact was told."""
        return self.at.date()

    def debtor_id(self, customer_ref: str) -> str:
        """Return the id of the person whom the source calls `customer_ref`."""
        return _debtor_id(self.cause.tenant, self.source, customer_ref)

    def debtor(self, customer_ref: str) -> StreamRef[DebtorCommand, DebtorState]:
        """Return the stream of the person."""
        debtor_id = self.debtor_id(customer_ref)
        return StreamRef(DEBTOR, debtor_id, debtor_id)

    def loan(self, loan_ref: str, customer_ref: str) -> LoanRef:
        """Return the stream of the loan."""
        return loan_of(self.cause.tenant, self.source, loan_ref, customer_ref)


def told(recorded: Recorded) -> Told:
    """Return the circumstances of a record of core banking. Fineract records carry their source and tenant by name."""
    source = source_of(recorded)
    return Told(source, recorded.occurred_at, Cause.of(recorded, _system(source)))


def source_of(recorded: Recorded) -> str:
    """Return by which name of a source the references of a record are told apart."""
    return NATIVE if recorded.source == NATIVE_TOPIC else recorded.source


@cache
def _system(source: str) -> Actor:
    return Actor(kind="system", id=source)


async def closed_on(work: Work, debtor_id: str) -> date | None:
    """Return the last business day closed for the debtor's partition."""
    calendar = await work.state(calendar_of(identity.partition_of(debtor_id, work.partitions)))
    return calendar.closed_on


async def is_booked(loan: LoanRef, work: Work) -> bool:
    """Say whether the loan is in the book."""
    state: LoanState = await work.state(loan)
    return not isinstance(state, Unbooked)


Step = Callable[[Told, E, Work], Awaitable[Any]]


def from_record(step: Step[E]) -> Callable[[Recorded, Work], Awaitable[None]]:
    """Return the step as a consumer's handler."""

    async def handle(recorded: Recorded, work: Work) -> None:
        data: Any = recorded.data
        await step(told(recorded), data, work)

    return handle
