"""Promises to pay one loan: taken, matched with money by value date, and judged when their last day is over. Pure.

Kept as soon as all of it has arrived in time; otherwise judged at the close of each part's due date plus grace. A
repayment that turns out backdated, or is taken back, changes the answer by further events and never by an edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise
from typing import Final, Literal

from arrears.decider import Decider
from arrears.events.outreach import (
    PromiseBroken,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromisePart,
    PromisePartlyKept,
    PromisePartMet,
    PromisePaymentMatched,
    PromisePaymentUnmatched,
    PromiseReinstated,
)
from arrears.events.registry import Event
from arrears.values.identity import derived_id
from outreach.domain.promise_state import Promise, Promises, evolve, wakes_on
from outreach.domain.refusals import PromiseAboveDebt, PromiseAlreadyOpen, PromiseInvalid, PromiseTooFar


@dataclass(frozen=True, slots=True)
class PromisePolicy:
    """What the lender accepts: the horizon in days, days of grace after each due date, and the shortfall it overlooks."""

    horizon_days: int = 30
    grace_days: int = 2
    tolerance_minor: int = 100
    max_parts: int = 6


POLICY: Final = PromisePolicy()


@dataclass(frozen=True, slots=True)
class TakePromise:
    """The debtor (or a guarantor) promises to pay; `owed_minor` is the loan's payoff now.

    `supersedes` names the open promise that this one replaces.
    """

    loan_id: str
    case_id: str
    parts: tuple[PromisePart, ...]
    currency: str
    promised_on: date
    owed_minor: int
    taken_by: str
    attempt_id: str = ""
    pay_channel: str = "transfer"
    made_by: Literal["debtor", "guarantor"] = "debtor"
    acknowledges_debt: bool = True
    supersedes: str = ""
    policy: PromisePolicy = POLICY


@dataclass(frozen=True, slots=True)
class MatchRepayment:
    """Money for the loan arrived; `on` is the day on which that became known."""

    repayment_id: str
    amount_minor: int
    value_on: date
    on: date


@dataclass(frozen=True, slots=True)
class UnmatchRepayment:
    """A repayment was taken back; `on` is the day on which that became known."""

    repayment_id: str
    on: date


@dataclass(frozen=True, slots=True)
class EvaluatePromise:
    """The business day `on` is over."""

    on: date


@dataclass(frozen=True, slots=True)
class CancelPromise:
    """The promise has lost its object."""

    reason: Literal["superseded", "paid_other", "error"]
    on: date


Command = TakePromise | MatchRepayment | UnmatchRepayment | EvaluatePromise | CancelPromise


def decide(command: Command, state: Promises) -> tuple[Event, ...]:
    """Return what `command` causes.

    Raises:
        PromiseInvalid: no or too many parts, numbers not 1, 2, 3…, dates not ascending or before the promise.
        PromiseTooFar: a part falls due beyond the policy's horizon.
        PromiseAboveDebt: more is promised than the loan owes.
        PromiseAlreadyOpen: another promise is open and this one does not name it.
    """
    match command, state.latest:
        case TakePromise(), _:
            return _take(command, state)
        case _, None:
            return ()
        case MatchRepayment(), Promise() as promise:
            return _match(command, promise)
        case UnmatchRepayment(), Promise() as promise:
            return _unmatch(command, promise)
        case EvaluatePromise(on), Promise(is_open=True) as promise:
            return _judge(promise, on)
        case CancelPromise(reason, on), Promise(is_open=True) as promise:
            return (PromiseCancelled(promise_id=promise.promise_id, reason=reason, on=on, loan_ids=promise.loan_ids),)
        case _:
            return ()


def _take(command: TakePromise, state: Promises) -> tuple[Event, ...]:
    _check(command)
    before = state.open
    if before is not None and before.promise_id != command.supersedes:
        raise PromiseAlreadyOpen("the loan has an open promise; name it to replace it", promise_id=before.promise_id)
    replaced: tuple[Event, ...] = ()
    if before is not None:
        cancelled = CancelPromise("superseded", command.promised_on)
        replaced = decide(cancelled, state)
    made = PromiseMade(
        promise_id=derived_id("promise", command.loan_id, str(state.made)), case_id=command.case_id,
        loan_ids=(command.loan_id,), parts=command.parts, total_minor=sum(p.amount_minor for p in command.parts),
        currency=command.currency, grace_days=command.policy.grace_days,
        tolerance_minor=command.policy.tolerance_minor, promised_on=command.promised_on,
        pay_channel=command.pay_channel, made_by=command.made_by, attempt_id=command.attempt_id,
        acknowledges_debt=command.acknowledges_debt, taken_by=command.taken_by,
    )  # fmt: skip
    return (*replaced, made)


def _check(command: TakePromise) -> None:
    parts, policy = command.parts, command.policy
    if not 1 <= len(parts) <= policy.max_parts:
        raise PromiseInvalid(f"a promise has 1 to {policy.max_parts} parts", parts=len(parts))
    if [part.no for part in parts] != list(range(1, len(parts) + 1)):
        raise PromiseInvalid("parts are numbered 1, 2, 3 …")
    due = [part.due_on for part in parts]
    if due[0] < command.promised_on:
        raise PromiseInvalid("a part falls due in the past", due_on=due[0].isoformat())
    if any(later <= earlier for earlier, later in pairwise(due)):
        raise PromiseInvalid("the parts' due dates must ascend")
    horizon = command.promised_on + timedelta(days=policy.horizon_days)
    if due[-1] > horizon:
        raise PromiseTooFar("the last part falls due beyond the horizon", latest=horizon.isoformat())
    total = sum(part.amount_minor for part in parts)
    if total > command.owed_minor:
        raise PromiseAboveDebt("more is promised than is owed", total_minor=total, owed_minor=command.owed_minor)


def _match(command: MatchRepayment, promise: Promise) -> tuple[Event, ...]:
    last = promise.last_day(promise.parts[-1])
    counts = promise.promised_on <= command.value_on <= last and promise.status != "cancelled"
    if not counts or any(p.repayment_id == command.repayment_id for p in promise.payments):
        return ()
    matched = PromisePaymentMatched(
        promise_id=promise.promise_id, repayment_id=command.repayment_id, amount_minor=command.amount_minor,
        value_on=command.value_on, loan_ids=promise.loan_ids,
    )  # fmt: skip
    after = _after(promise, (matched,))
    if promise.is_open:
        return (matched, *_kept_already(after, command.on))
    if promise.status == "kept" or not _in_time(after):
        return (matched,)  # it changes nothing now, and counts if a reversal or a backdated payment comes
    reinstated = PromiseReinstated(
        promise_id=promise.promise_id, cause=command.repayment_id, on=command.on, loan_ids=promise.loan_ids
    )
    return (matched, reinstated, *_judge(_after(after, (reinstated,)), command.on))


def _unmatch(command: UnmatchRepayment, promise: Promise) -> tuple[Event, ...]:
    if all(p.repayment_id != command.repayment_id for p in promise.payments):
        return ()
    unmatched = PromisePaymentUnmatched(
        promise_id=promise.promise_id, repayment_id=command.repayment_id, on=command.on, loan_ids=promise.loan_ids,
    )  # fmt: skip
    after = _after(promise, (unmatched,))
    if promise.status != "kept" or _in_time(after):
        return (unmatched,)
    reinstated = PromiseReinstated(
        promise_id=promise.promise_id, cause=command.repayment_id, on=command.on, loan_ids=promise.loan_ids
    )
    # The day on which it becomes known is not over: only parts whose last day lies before it can be judged.
    yesterday = command.on - timedelta(days=1)
    return (unmatched, reinstated, *_judge(_after(after, (reinstated,)), yesterday))


def _after(promise: Promise, events: Iterable[Event]) -> Promise:
    after = reduce(evolve, events, Promises(made=1, latest=promise)).latest
    assert after is not None
    return after


def _in_time(promise: Promise) -> bool:
    """Say whether enough arrived for every part by its last day."""
    return all(promise.paid_minor(promise.last_day(p)) >= promise.wanted_minor(p) for p in promise.parts)


def _kept_already(promise: Promise, on: date) -> tuple[Event, ...]:
    last = promise.parts[-1]
    paid = promise.paid_minor(promise.last_day(last))
    if paid < promise.wanted_minor(last) or any(
        promise.paid_minor(promise.last_day(part)) < promise.wanted_minor(part)
        for part in promise.parts
        if promise.last_day(part) < on
    ):
        return ()
    return (
        PromiseKept(
            promise_id=promise.promise_id, on=on, paid_minor=paid,
            repayment_ids=tuple(p.repayment_id for p in promise.payments), loan_ids=promise.loan_ids,
        ),
    )  # fmt: skip


def _judge(promise: Promise, on: date) -> tuple[Event, ...]:
    """Judge the parts whose last day is over at the close of `on`: the first that failed ends the promise."""
    kept = _kept_already(promise, on)
    if kept:
        return kept
    met: list[Event] = []
    for part in promise.parts:
        last_day = promise.last_day(part)
        if part.no <= promise.met or last_day > on:
            continue
        paid, wanted = promise.paid_minor(last_day), promise.wanted_minor(part)
        if paid < wanted:
            return (*met, _failed(promise, paid, wanted + promise.tolerance_minor - paid, on))
        met.append(
            PromisePartMet(promise_id=promise.promise_id, no=part.no, on=on, paid_minor=paid, loan_ids=promise.loan_ids)
        )
    return tuple(met)


def _failed(promise: Promise, paid: int, shortfall: int, on: date) -> Event:
    if paid > 0:
        return PromisePartlyKept(
            promise_id=promise.promise_id, on=on, paid_minor=paid, shortfall_minor=shortfall, loan_ids=promise.loan_ids
        )
    return PromiseBroken(
        promise_id=promise.promise_id,
        on=on,
        paid_minor=0,
        shortfall_minor=shortfall,
        as_of=on,
        loan_ids=promise.loan_ids,
    )


PROMISE: Final[Decider[Command, Promises]] = Decider(
    name="promise", initial=Promises(), decide=decide, evolve=evolve, state_type=Promises, wakes_on=wakes_on
)
