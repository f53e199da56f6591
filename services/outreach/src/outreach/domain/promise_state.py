"""What the stream of a loan's promises knows, and how events change it. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import msgspec

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
from arrears.eventstore.errors import CorruptStream


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A repayment that counts towards the promise."""

    repayment_id: str
    amount_minor: int
    value_on: date


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The loan's latest promise; parts up to number `met` are behind it."""

    promise_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    parts: tuple[PromisePart, ...]
    currency: str
    grace_days: int
    tolerance_minor: int
    promised_on: date
    status: Literal["open", "kept", "partly_kept", "broken", "cancelled"] = "open"
    met: int = 0
    payments: tuple[Payment, ...] = ()

    @property
    def is_open(self) -> bool:
        """Say whether it still binds."""
        return self.status == "open"

    @property
    def total_minor(self) -> int:
        """The sum of all parts."""
        return sum(part.amount_minor for part in self.parts)

    def last_day(self, part: PromisePart) -> date:
        """Return the last value date at which money for the part is in time."""
        return part.due_on + timedelta(days=self.grace_days)

    def paid_minor(self, by: date) -> int:
        """Return what arrived with a value date up to `by`."""
        return sum(payment.amount_minor for payment in self.payments if payment.value_on <= by)

    def wanted_minor(self, part: PromisePart) -> int:
        """Return what must have arrived for this part and those before it, the tolerance taken off."""
        return sum(p.amount_minor for p in self.parts if p.no <= part.no) - self.tolerance_minor


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """The promises about one loan; only the latest is looked at again."""

    made: int = 0
    latest: Promise | None = None

    @property
    def open(self) -> Promise | None:
        """The promise that binds now."""
        return self.latest if self.latest and self.latest.is_open else None


def evolve(state: Promises, event: Event) -> Promises:
    """Return the state after `event`.

    Raises:
        CorruptStream: the event cannot follow the ones before it.
    """
    if isinstance(event, PromiseMade):
        made = Promise(
            promise_id=event.promise_id, case_id=event.case_id, loan_ids=event.loan_ids, parts=event.parts, currency=event.currency,
            grace_days=event.grace_days, tolerance_minor=event.tolerance_minor, promised_on=event.promised_on,
        )  # fmt: skip
        return Promises(made=state.made + 1, latest=made)
    if state.latest is None:
        raise CorruptStream(f"{type(event).__name__} came before any promise")
    return msgspec.structs.replace(state, latest=_changed(state.latest, event))


def _changed(promise: Promise, event: Event) -> Promise:
    replace = msgspec.structs.replace
    match event:
        case PromisePaymentMatched():
            paid = Payment(
                repayment_id=event.repayment_id, amount_minor=event.amount_minor, value_on=event.value_on
            )  # fmt: skip
            return replace(promise, payments=(*promise.payments, paid))
        case PromisePaymentUnmatched(repayment_id=taken_back):
            left = tuple(p for p in promise.payments if p.repayment_id != taken_back)
            return replace(promise, payments=left)
        case PromisePartMet(no=no):
            return replace(promise, met=no)
        case PromiseKept():
            return replace(promise, status="kept")
        case PromisePartlyKept():
            return replace(promise, status="partly_kept")
        case PromiseBroken():
            return replace(promise, status="broken")
        case PromiseCancelled():
            return replace(promise, status="cancelled")
        case PromiseReinstated():
            return replace(promise, status="open")
        case _:
            raise CorruptStream(f"{type(event).__name__} is no event of a promise")


def wakes_on(state: Promises) -> date | None:
    """Return the last day of the next part that is not met."""
    promise = state.open
    if promise is None:
        return None
    return next((promise.last_day(part) for part in promise.parts if part.no > promise.met), None)
