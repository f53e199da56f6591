"""Money that names no loan: it is opened once and waits for a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from arrears.decider import Decider
from arrears.events.ingest import UnmatchedReceiptOpened
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream


class ReceiptState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the receipt is open."""

    opened: bool = False


@dataclass(frozen=True, slots=True)
class OpenUnmatchedReceipt:
    """Keep money that could not be given to a loan; `receipt_id` follows from the payment's identity at the bank."""

    receipt_id: str
    amount_minor: int
    currency: str
    value_on: date
    reference: str
    source_document: str
    reason: str


def decide(command: OpenUnmatchedReceipt, receipt: ReceiptState) -> tuple[Event, ...]:
    """Return UnmatchedReceiptOpened the first time."""
    if receipt.opened:
        return ()
    opened = UnmatchedReceiptOpened(
        receipt_id=command.receipt_id, amount_minor=command.amount_minor, currency=command.currency,
        value_on=command.value_on, reference=command.reference, source_document=command.source_document,
        reason=command.reason,
    )  # fmt: skip
    return (opened,)


def evolve(receipt: ReceiptState, event: Event) -> ReceiptState:
    """Return the receipt after `event`.

    Raises:
        CorruptStream: the event is none of an unmatched receipt.
    """
    if not isinstance(event, UnmatchedReceiptOpened):
        raise CorruptStream(f"{type(event).__name__} is no event of an unmatched receipt")
    return ReceiptState(opened=True)


UNMATCHED_RECEIPT: Final[Decider[OpenUnmatchedReceipt, ReceiptState]] = Decider(
    name="receipt", initial=ReceiptState(), decide=decide, evolve=evolve, state_type=ReceiptState
)
