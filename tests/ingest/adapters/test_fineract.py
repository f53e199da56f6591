"""Fineract's messages: our schemas are theirs, golden messages become native facts, nothing is guessed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arrears.events import corebanking as native
from arrears.events.registry import Event, InvalidEvent
from arrears.kafka.cloudevents import RawRecord
from arrears.values import identity
from ingest.adapters.fineract.messages import TOPIC, decode_record, source
from ingest.adapters.fineract.single_object import NAMESPACE, ROOTS, decode, definitions, encode, fingerprint_of, schema

REAL = Path(__file__).parents[4] / "shared" / "real" / "fineract"
real = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real/fineract is not here")
DUE = f"{NAMESPACE}.loan.v1.LoanRepaymentDueDataV1"
TRANSACTION = f"{NAMESPACE}.loan.v1.LoanTransactionDataV1"
ADJUSTMENT = f"{NAMESPACE}.loan.v1.LoanTransactionAdjustmentDataV1"
EUR = {"code": "EUR", "decimalPlaces": 2}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def record(value: bytes | None) -> RawRecord:
    return RawRecord(TOPIC, 0, 0, (7).to_bytes(8, "big"), value, (), NOON)


def facts(value: bytes) -> list[Event]:
    return [one.data for one in decode_record(record(value))]


def message(kind: str, payload: str, data: dict[str, Any], *, tenant: str = "default", key: str = "k-1") -> bytes:
    fields = {
        "id": 1, "source": "s", "type": f"{kind}BusinessEvent", "category": "Loan",
        "createdAt": "2024-05-01T08:00:00.123456789", "businessDate": "2024-05-01", "tenantId": tenant,
        "idempotencyKey": key, "dataschema": payload, "data": encode(payload, data),
    }  # fmt: skip
    return encode(f"{NAMESPACE}.MessageV1", fields)


def transaction(**more: Any) -> dict[str, Any]:
    return {"id": 55, "loanId": 7, "currency": EUR, "amount": Decimal("12.30000000"), "date": "2024-04-30", **more}


@real
def test_the_schemas_have_the_fingerprints_that_java_computed() -> None:
    known = json.loads((REAL / "fingerprints.json").read_text())
    for name in definitions():
        assert fingerprint_of(name).hex() == known[name], name


@real
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("01-repayment-due", [("InstalmentFellDue", 100_000)]),
        ("02-repayment-overdue", [("InstalmentFellDue", 100_000)]),
        ("03-delinquency-range-change", [("DelinquencyReported", 50_000)]),
        ("04-make-repayment-post", [("RepaymentPosted", 50_000)]),
        ("05-bulk-repayment-and-range-cleared", [("RepaymentPosted", 50_000), ("DelinquencyReported", 0)]),
        ("06-adjust-transaction-reversed", [("RepaymentReversed", None)]),
    ],
)
def test_golden_messages_become_native_facts(file: str, expected: list[tuple[str, int | None]]) -> None:
    found = decode_record(record((REAL / "golden" / f"{file}.bin").read_bytes()))
    assert {one.source for one in found} == {"fineract/default"}
    amounts: list[tuple[str, int | None]] = []
    for fact in (one.data for one in found):
        match fact:
            case native.InstalmentFellDue():
                amounts.append(("InstalmentFellDue", fact.instalment.principal_minor))
            case native.DelinquencyReported():
                amounts.append(("DelinquencyReported", fact.overdue_minor))
            case native.RepaymentPosted():
                amounts.append(("RepaymentPosted", fact.amount_minor))
            case _:
                amounts.append((type(fact).__name__, None))
    assert amounts == expected


@real
def test_golden_messages_are_encoded_again_byte_for_byte() -> None:
    for path in sorted((REAL / "golden").glob("*.bin")):
        name, fields = decode(path.read_bytes())
        assert encode(name, fields) == path.read_bytes()


def test_a_repayment_keeps_its_transaction_and_takes_the_key_as_posting() -> None:
    fact = facts(message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction()))[0]
    assert fact == native.RepaymentPosted(
        loan_ref="7", customer_ref="loan-7", posting_ref="k-1", external_txn="55", amount_minor=1_230, currency="EUR",
        value_on=date(2024, 4, 30),
    )  # fmt: skip


def test_an_adjustment_reverses_and_posts_what_replaces_it() -> None:
    data = {"transactionToAdjust": transaction(), "newTransactionDetail": transaction(id=56)}
    found = facts(message("LoanAdjustTransaction", ADJUSTMENT, data))
    assert [type(fact).__name__ for fact in found] == ["RepaymentReversed", "RepaymentPosted"]
    assert isinstance(found[0], native.RepaymentReversed)
    assert (found[0].posting_ref, found[0].value_on) == ("55", date(2024, 5, 1))


def test_the_same_loan_in_two_tenants_stays_apart() -> None:
    data = transaction()
    one, other = (
        decode_record(record(message("LoanTransactionMakeRepaymentPost", TRANSACTION, data, tenant=tenant)))[0]
        for tenant in ("default", "north")
    )
    assert (one.source, other.source) == ("fineract/default", "fineract/north")
    assert one.event_id != other.event_id


def test_a_type_that_is_not_ours_has_no_effect_even_with_a_payload_we_cannot_read() -> None:
    fields = decode(message("LoanClose", TRANSACTION, transaction()))[1]
    assert facts(encode(ROOTS[0], {**fields, "data": b"\xc3\x01unknown."})) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "single object"),
        (b'{"json": true}', "single object"),
        (b"\xc3\x01" + bytes(8) + b"x", "no schema is known"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction()) + b"\x00", "bytes are left"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction())[:40], "no MessageV1"),
        (message("LoanRepaymentDue", TRANSACTION, transaction()), "expected"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction(currency=None)), "no currency"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction(amount=Decimal("-1"))), "below zero"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction(amount=Decimal("0.00500000"))), "finer"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction(amount=None)), "nothing"),
        (message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction(date="yesterday")), "yesterday"),
        (encode(TRANSACTION, transaction()), "outer record"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(value: bytes, words: str) -> None:
    with pytest.raises(InvalidEvent, match=words):
        decode_record(record(value))


def test_an_unknown_payload_of_a_type_we_follow_is_never_guessed() -> None:
    fields = decode(message("LoanTransactionMakeRepaymentPost", TRANSACTION, transaction()))[1]
    other = b"\xc3\x01" + bytes(range(8)) + fields["data"][10:]
    with pytest.raises(InvalidEvent, match="fingerprint 0001020304050607"):
        decode_record(record(encode(ROOTS[0], {**fields, "data": other})))


def test_every_root_has_a_schema() -> None:
    assert all(schema(name) for name in ROOTS)


@pytest.mark.parametrize("loan_id", [0, 7, 121, 0xFF, 2**40 + 3, -1])
def test_a_parked_key_names_the_debtor_of_the_loan(loan_id: int) -> None:
    text = loan_id.to_bytes(8, "big", signed=True).decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    debtor_of = source().debtor_of
    assert debtor_of is not None
    assert debtor_of(text) == identity.debtor_id("default", "fineract/default", f"loan-{loan_id}")
