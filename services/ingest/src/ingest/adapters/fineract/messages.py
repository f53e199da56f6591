"""Fineract's messages as native facts. The source of each is `fineract/<tenantId>`: loan ids repeat between tenants.

Facts: a repayment, its reversal, an instalment that falls due. Hints: overdue and delinquency-range events, which
Fineract sends for one instalment on one day only. Everything else is not ours to follow and has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from arrears.events import corebanking as native
from arrears.events.registry import Event, InvalidEvent, encode, type_of
from arrears.events.registry import decode as decode_event
from arrears.kafka.cloudevents import RawRecord
from arrears.kafka.sources import Source
from arrears.recorded import Actor, Meta, Recorded
from arrears.values import identity
from arrears.values.money import InvalidAmount, to_minor
from ingest.adapters.fineract.single_object import NAMESPACE, decode

TOPIC: Final = "external-events"
_MESSAGE: Final = f"{NAMESPACE}.MessageV1"
_BULK: Final = f"{NAMESPACE}.BulkMessagePayloadV1"
_LOAN: Final = f"{NAMESPACE}.loan.v1."
Fields = dict[str, Any]


def source() -> Source:
    """Return the source of Fineract's topic, whose records are told apart by idempotency key."""
    return Source(TOPIC, decode_record, versioned=False, debtor_of=_debtor_of)


def _debtor_of(key: str) -> str:
    """Return the debtor whom a parked key holds back. The key is the loan id alone, so Fineract's default tenant is meant.

    `key` is the consumer's text of eight bytes, in which what is no text stands as `\\x..`.
    """
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), key.encode())
    return identity.debtor_id("default", "fineract/default", _customer(int.from_bytes(raw, "big", signed=True)))


def decode_record(record: RawRecord) -> tuple[Recorded, ...]:
    """Return the native facts of a record, none when its type is not ours to follow. A bulk gives several.

    Raises:
        InvalidEvent: see `facts_of`; or the record has no value.
    """
    return facts_of(record.value or b"", record)


def facts_of(value: bytes, record: RawRecord) -> tuple[Recorded, ...]:
    """Return the native facts of one message.

    Raises:
        InvalidEvent: not a MessageV1, a payload of an unknown schema or of another one than its type has, or a value
            (date, amount) that is none.
    """
    name, message = decode(value)
    if name != _MESSAGE:
        raise InvalidEvent(f"the outer record is a {name}, not a {_MESSAGE}")
    try:
        return tuple(_recorded(message, fact, n, record) for n, fact in enumerate(_facts(message), start=1))
    except (InvalidAmount, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidEvent):
            raise
        raise InvalidEvent(f"{message['type']}: {error!r}") from error


def _facts(message: Fields) -> Iterator[Event]:
    if message["type"] == "BulkBusinessEvent":
        for item in _payload(message, _BULK)["datas"]:
            # An item has no key and no dates of its own: those of the bulk hold for it.
            yield from _facts_of_item({**item, "idempotencyKey": f"{message['idempotencyKey']}/{item['id']}"}, message)
    else:
        yield from _facts_of_item(message, message)


def _facts_of_item(item: Fields, message: Fields) -> Iterator[Event]:
    reader = _READERS.get(item["type"].removesuffix("BusinessEvent"))
    if reader is not None:
        schema, build = reader
        yield from build(_payload(item, _LOAN + schema), item["idempotencyKey"], message)


def _payload(item: Fields, expected: str) -> Fields:
    name, fields = decode(item["data"])
    if name != expected or name != item["dataschema"]:
        raise InvalidEvent(f"{item['type']} holds a {name} and names a {item['dataschema']}; expected {expected}")
    return fields


def _recorded(message: Fields, fact: Event, number: int, record: RawRecord) -> Recorded:
    kind, origin = type_of(type(fact)), f"fineract/{message['tenantId']}"
    data = encode(fact)
    decode_event(kind.owner, kind.name, kind.version, data)  # the native type's own limits hold here too
    at = datetime.fromisoformat(message["createdAt"][:26]).replace(tzinfo=UTC)
    meta = Meta(actor=Actor(kind="system", id=origin))
    return Recorded(
        origin, 0, f"{origin}#{message['idempotencyKey']}/{number}", "", 0, "", record.partition, kind.name,
        kind.version, at, record.at, meta, data, b"", fact,
    )  # fmt: skip


def _instalment_due(data: Fields, key: str, message: Fields) -> Iterator[Event]:
    due, currency = data["installment"], _currency(data)
    past = data["pastDueAmount"] or {}
    yield native.InstalmentFellDue(
        loan_ref=str(data["loanId"]),
        customer_ref=_customer(data["loanId"]),
        currency=currency,
        business_on=date.fromisoformat(message["businessDate"]),
        instalment=native.Instalment(
            no=due["installmentNumber"],
            due_on=date.fromisoformat(due["installmentDueDate"]),
            principal_minor=_minor(due["principalAmountDue"], currency),
            interest_minor=_minor(due["interestAmountDue"], currency),
            fee_minor=_minor(due["feeChargeAmountDue"], currency) + _minor(due["penaltyChargeAmountDue"], currency),
        ),
        past_due_minor=_minor(past.get("totalAmount"), currency),
    )


def _range_changed(data: Fields, key: str, message: Fields) -> Iterator[Event]:
    currency, bucket = _currency(data), data["delinquencyRange"] or {}
    yield native.DelinquencyReported(
        loan_ref=str(data["loanId"]),
        customer_ref=_customer(data["loanId"]),
        currency=currency,
        business_on=date.fromisoformat(message["businessDate"]),
        overdue_minor=_minor(data["amount"]["totalAmount"], currency),
        overdue_principal_minor=_minor(data["amount"]["principalAmount"], currency),
        since=date.fromisoformat(data["delinquentDate"]) if data["delinquentDate"] else None,
        classification=bucket.get("classification") or "",
    )


def _repayment(data: Fields, key: str, message: Fields) -> Iterator[Event]:
    currency = _currency(data)
    yield native.RepaymentPosted(
        loan_ref=str(data["loanId"]),
        customer_ref=_customer(data["loanId"]),
        posting_ref=key,
        external_txn=str(data["id"]),
        amount_minor=_positive(_minor(data["amount"], currency)),
        currency=currency,
        value_on=date.fromisoformat(data["date"]),
    )


def _adjustment(data: Fields, key: str, message: Fields) -> Iterator[Event]:
    """An adjusted transaction is taken back; what replaces it, if anything, comes in."""
    old, new = data["transactionToAdjust"], data["newTransactionDetail"]
    yield native.RepaymentReversed(
        loan_ref=str(old["loanId"]),
        customer_ref=_customer(old["loanId"]),
        posting_ref=str(old["id"]),
        reversal_ref=key,
        value_on=date.fromisoformat(old["reversedOnDate"] or message["businessDate"]),
        reason="error",
    )
    if new is not None and _minor(new["amount"], _currency(new)):
        yield from _repayment(new, f"{key}/new", message)


_REPAYMENT: Final = ("LoanTransactionDataV1", _repayment)
_READERS: Final[dict[str, tuple[str, Callable[[Fields, str, Fields], Iterator[Event]]]]] = {
    "LoanRepaymentDue": ("LoanRepaymentDueDataV1", _instalment_due),
    "LoanRepaymentOverdue": ("LoanRepaymentDueDataV1", _instalment_due),
    "LoanDelinquencyRangeChange": ("LoanAccountDelinquencyRangeDataV1", _range_changed),
    "LoanTransactionMakeRepaymentPost": _REPAYMENT,
    "LoanTransactionRecoveryPaymentPost": _REPAYMENT,
    "LoanTransactionMerchantIssuedRefundPost": _REPAYMENT,
    "LoanTransactionGoodwillCreditPost": _REPAYMENT,
    "LoanTransactionPayoutRefundPost": _REPAYMENT,
    "LoanAdjustTransaction": ("LoanTransactionAdjustmentDataV1", _adjustment),
}


def _customer(loan_id: int) -> str:
    """Fineract's loan events name no client: until one does, each loan has a person of its own."""
    return f"loan-{loan_id}"


def _currency(data: Fields) -> str:
    code = (data["currency"] or {}).get("code")
    if not isinstance(code, str) or len(code) != 3 or not code.isascii() or not code.isupper():
        raise InvalidEvent(f"the amount has no currency: {code!r}")
    return code


def _minor(amount: Decimal | None, currency: str) -> int:
    minor = to_minor(amount or Decimal(0), currency)
    if minor < 0:
        raise InvalidEvent(f"an amount is below zero: {amount}")
    return minor


def _positive(minor: int) -> int:
    if minor <= 0:
        raise InvalidEvent("a repayment of nothing")
    return minor
