"""LoanBalanceChanged, ContactPointAdded → facts that the gate and promises are judged by."""

from __future__ import annotations

from arrears.events.ingest import ContactPointAdded, LoanBalanceChanged
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.case_commands import NoteBalance
from outreach.domain.case_state import LoanInCase
from outreach.domain.contact import NotePoint
from outreach.domain.gate import KnownPoint
from outreach.use_cases.cause import because_of
from outreach.use_cases.streams import case_of, contacts_of


async def note_balance(event: Recorded, work: Work) -> None:
    """Keep what a loan of the open case owes."""
    balance = event.data
    assert isinstance(balance, LoanBalanceChanged)
    loan = LoanInCase(
        loan_id=balance.loan_id, currency=balance.currency, due_minor=balance.due.total_minor,
        payoff_minor=balance.payoff_minor, as_of=balance.as_of,
    )  # fmt: skip
    await work.execute(case_of(event.debtor_id), NoteBalance(loan), because_of(event), effective_on=balance.as_of)


async def note_contact_point(event: Recorded, work: Work) -> None:
    """Keep a way to reach the person; its value stays sealed."""
    added = event.data
    assert isinstance(added, ContactPointAdded)
    point = KnownPoint(
        contact_point_id=added.contact_point_id, kind=added.kind, owner=added.owner, zones=added.zones,
        value_sealed=added.value_sealed, sealed_in=event.stream_key,
    )  # fmt: skip
    await work.execute(contacts_of(event.debtor_id), NotePoint(point), because_of(event))
