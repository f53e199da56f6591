"""The debtor promises to pay → PromiseMade, and contacts rest until it is kept or broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from arrears.events.outreach import PromiseMade, PromisePart
from arrears.eventstore.work import Cause, Work
from outreach.domain.case_state import OpenCase
from outreach.domain.promise import TakePromise
from outreach.domain.refusals import CaseNotOpen, UnknownAttempt
from outreach.use_cases.change_promise import change_promise
from outreach.use_cases.streams import case_of, contacts_of, home_day


@dataclass(frozen=True, slots=True)
class Offer:
    """What the debtor offers, and in which contact (empty: in none of ours)."""

    debtor_id: str
    loan_id: str
    parts: tuple[PromisePart, ...]
    taken_by: str
    attempt_id: str = ""
    pay_channel: str = "transfer"
    made_by: Literal["debtor", "guarantor"] = "debtor"
    supersedes: str = ""


async def take_promise(offer: Offer, cause: Cause, work: Work) -> PromiseMade:
    """Take the promise about one loan of the open case, today.

    Raises:
        CaseNotOpen: there is no open case, the loan is not in it, or its balance is not known.
        UnknownAttempt: no contact of that id is known.
        PromiseInvalid, PromiseTooFar, PromiseAboveDebt, PromiseAlreadyOpen: see the promise's decider.
    """
    case: Any = await work.state(case_of(offer.debtor_id))
    loan = case.loan(offer.loan_id) if isinstance(case, OpenCase) else None
    if loan is None or loan.payoff_minor is None:
        raise CaseNotOpen("the loan is in no open collection case", loan_id=offer.loan_id)
    contacts = await work.state(contacts_of(offer.debtor_id))
    if offer.attempt_id and contacts.attempt(offer.attempt_id) is None:
        raise UnknownAttempt(f"there is no permit {offer.attempt_id}", attempt_id=offer.attempt_id)
    today = home_day(work.now)
    command = TakePromise(
        loan_id=offer.loan_id, case_id=case.case_id, parts=offer.parts, currency=loan.currency, promised_on=today,
        owed_minor=loan.payoff_minor, taken_by=offer.taken_by, attempt_id=offer.attempt_id,
        pay_channel=offer.pay_channel, made_by=offer.made_by, supersedes=offer.supersedes,
    )  # fmt: skip
    events = await change_promise(
        offer.loan_id, offer.debtor_id, command, cause, work, on=today, sparing=offer.attempt_id
    )
    return next(event for event in events if isinstance(event, PromiseMade))
