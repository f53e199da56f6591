"""What one debtor owes that could be claimed, and which collection case asks for legal action on it. Pure.

One stream a debtor (`debt/<debtor_id>`), so that every fact about a loan finds the legal case without a search. Only
overdue loans are followed: most loans of a book never come here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.legal import Claim, ClaimBalanceChanged, ClaimExtinguished, DebtReferred, DebtReleased
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from arrears.values.balance import Accruing, Components, accrued_minor


@dataclass(frozen=True, slots=True)
class WatchClaim:
    """A loan became overdue: follow what is due on it."""

    loan_id: str
    as_of: date
    currency: str
    due: Components


@dataclass(frozen=True, slots=True)
class ReviseClaim:
    """The loan's balance changed; loans that are not overdue are not followed."""

    loan_id: str
    as_of: date
    due: Components
    accruing: tuple[Accruing, ...]


@dataclass(frozen=True, slots=True)
class ReopenClaim:
    """A cured loan is overdue again, because the repayment that cured it was taken back."""

    loan_id: str
    as_of: date


@dataclass(frozen=True, slots=True)
class ExtinguishClaim:
    """The loan is cured."""

    loan_id: str
    on: date


@dataclass(frozen=True, slots=True)
class ReferDebt:
    """A collection case asks for legal action."""

    case_id: str


@dataclass(frozen=True, slots=True)
class ReleaseDebt:
    """The case asks for it no more."""

    case_id: str


Command = WatchClaim | ReviseClaim | ReopenClaim | ExtinguishClaim | ReferDebt | ReleaseDebt


class LoanClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What is due on one overdue loan at the close of `as_of`, and what it grows by."""

    currency: str
    as_of: date
    due: Components
    accruing: tuple[Accruing, ...] = ()


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """A debtor's overdue loans; `cured` keeps the currency of those that were, `case_id` is the case that asks, if any."""

    claims: dict[str, LoanClaim] = {}
    cured: dict[str, str] = {}
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim over some loans of one currency as of a day."""

    claim: Claim
    currency: str
    loan_ids: tuple[str, ...]
    as_of: date

    @property
    def total_minor(self) -> int:
        """The whole claim."""
        claim = self.claim
        return claim.principal_minor + claim.interest_minor + claim.penalty_minor + claim.cost_minor


def decide(command: Command, state: Debt) -> tuple[Event, ...]:
    """Return the events that `command` causes. No command is refused: what changes nothing causes nothing."""
    match command:
        case WatchClaim(loan_id, as_of, currency, due):
            if loan_id in state.claims:
                return ()
            return (ClaimBalanceChanged(loan_id=loan_id, as_of=as_of, currency=currency, due=due),)
        case ReviseClaim(loan_id, as_of, due, accruing):
            return _revise(state, loan_id, as_of, due, accruing)
        case ReopenClaim(loan_id, as_of):
            currency_then = state.cured.get(loan_id)
            if currency_then is None or loan_id in state.claims:
                return ()
            # The balance follows in the same transaction of ingest.
            return (ClaimBalanceChanged(loan_id=loan_id, as_of=as_of, currency=currency_then, due=Components()),)
        case ExtinguishClaim(loan_id, on):
            if loan_id not in state.claims:
                return ()
            return (ClaimExtinguished(loan_id=loan_id, on=on, open_claims=len(state.claims) - 1),)
        case ReferDebt(case_id):
            return () if state.case_id == case_id else (DebtReferred(case_id=case_id),)
        case ReleaseDebt(case_id):
            return (DebtReleased(case_id=case_id),) if state.case_id == case_id else ()


def _revise(
    state: Debt, loan_id: str, as_of: date, due: Components, accruing: tuple[Accruing, ...]
) -> tuple[Event, ...]:
    known = state.claims.get(loan_id)
    if known is None or (known.due, known.accruing) == (due, accruing):
        return ()
    return (ClaimBalanceChanged(loan_id=loan_id, as_of=as_of, currency=known.currency, due=due, accruing=accruing),)


def evolve(state: Debt, event: Event) -> Debt:
    """Return the debt after `event`.

    Raises:
        CorruptStream: the event is none of a debt.
    """
    change = msgspec.structs.replace
    match event:
        case ClaimBalanceChanged(loan_id=loan_id):
            claim = LoanClaim(currency=event.currency, as_of=event.as_of, due=event.due, accruing=event.accruing)
            cured = {key: value for key, value in state.cured.items() if key != loan_id}
            return change(state, claims={**state.claims, loan_id: claim}, cured=cured)
        case ClaimExtinguished(loan_id=loan_id) if loan_id in state.claims:
            claims = {key: value for key, value in state.claims.items() if key != loan_id}
            return change(state, claims=claims, cured={**state.cured, loan_id: state.claims[loan_id].currency})
        case DebtReferred():
            return change(state, case_id=event.case_id)
        case DebtReleased():
            return change(state, case_id="")
        case _:
            raise CorruptStream(f"{type(event).__name__} cannot follow in a debt")


def claim_of(debt: Debt, loan_ids: Iterable[str], on: date) -> Claimed | None:
    """Return what can be claimed of those loans at the close of day `on`; None if none of them is overdue.

    Late charges grow daily and are claimed up to the day; ordinary interest is claimed once it has fallen due. Loans in
    another currency than the first one's are left out: one claim is in one currency.
    """
    open_ids = sorted(loan_id for loan_id in set(loan_ids) if loan_id in debt.claims)
    if not open_ids:
        return None
    currency = debt.claims[open_ids[0]].currency
    chosen = tuple(loan_id for loan_id in open_ids if debt.claims[loan_id].currency == currency)
    claims = [debt.claims[loan_id] for loan_id in chosen]
    as_of = max(on, *(claim.as_of for claim in claims))
    late = sum(accrued_minor((a for a in claim.accruing if a.kind != "interest"), as_of) for claim in claims)
    return Claimed(
        claim=Claim(
            principal_minor=sum(claim.due.principal_minor for claim in claims),
            interest_minor=sum(claim.due.interest_minor for claim in claims),
            penalty_minor=late + sum(claim.due.penalty_minor + claim.due.compound_minor for claim in claims),
            cost_minor=sum(claim.due.cost_minor + claim.due.fee_minor for claim in claims),
        ),
        currency=currency,
        loan_ids=chosen,
        as_of=as_of,
    )


DEBT: Final = Decider(name="debt", initial=Debt(), decide=decide, evolve=evolve, state_type=Debt, state_version=1)


def debt_of(debtor_id: str) -> StreamRef[Command, Debt]:
    """Return the stream of a debtor's debt."""
    return StreamRef(DEBT, debtor_id, debtor_id)
