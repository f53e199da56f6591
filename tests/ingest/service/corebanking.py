"""Core banking as the tests let it speak."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any, Final

from arrears.events import corebanking as native
from arrears.events.registry import Event, encode, type_of
from arrears.kafka.cloudevents import RawRecord
from arrears.values import identity
from ingest.use_cases.told import NATIVE_TOPIC

_offset = count(1)
DISBURSED: Final = date(2026, 1, 5)
FIRST_DUE: Final = date(2026, 2, 5)


def record(event: Event, *, key: str = "C-1", event_id: str = "", on: date = DISBURSED) -> RawRecord:
    """Return a native record in binary mode; the offset names it unless an id is given."""
    offset = next(_offset)
    headers = [
        ("ce_specversion", b"1.0"), ("ce_id", (event_id or str(offset)).encode()), ("ce_source", b"/core"),
        ("ce_type", type_of(type(event)).wire_name.encode()), ("content-type", b"application/json"),
        ("ce_time", datetime.combine(on, time(9), UTC).isoformat().encode()),
    ]  # fmt: skip
    return RawRecord(NATIVE_TOPIC, 0, offset, key.encode(), encode(event), headers, datetime.combine(on, time(9), UTC))


def booked(ref: str = "L-1", customer_ref: str = "C-1", **more: Any) -> native.LoanBooked:
    """Return a loan of two instalments of 1,000.00, due 5 February and 5 March 2026."""
    fields: dict[str, Any] = {
        "product": "cash-loan", "currency": "CNY", "principal_minor": 200_000, "disbursed_on": DISBURSED,
        "instalments": (
            native.Instalment(no=1, due_on=FIRST_DUE, principal_minor=100_000),
            native.Instalment(no=2, due_on=date(2026, 3, 5), principal_minor=100_000),
        ),
        "annual_rate": "0.072", "payment_reference": "RF18 5390 0754 7034",
        "customer": native.CustomerData(name="张三", phone="+8613800138000", zone="Asia/Shanghai"),
    }  # fmt: skip
    return native.LoanBooked(loan_ref=ref, customer_ref=customer_ref, **{**fields, **more})


def paid(ref: str, amount_minor: int, value_on: date, loan_ref: str = "L-1") -> native.RepaymentPosted:
    """Return a posting."""
    return native.RepaymentPosted(
        loan_ref=loan_ref, customer_ref="C-1", posting_ref=ref, amount_minor=amount_minor, currency="CNY",
        value_on=value_on,
    )  # fmt: skip


def taken_back(ref: str, value_on: date) -> native.RepaymentReversed:
    """Return the reversal of a posting."""
    return native.RepaymentReversed(
        loan_ref="L-1", customer_ref="C-1", posting_ref=ref, reversal_ref=f"R-{ref}", value_on=value_on
    )


def loan_id(ref: str = "L-1") -> str:
    """Return our id of the loan."""
    return identity.loan_id("default", "corebanking", ref)


def debtor_id(customer_ref: str = "C-1") -> str:
    """Return our id of the person."""
    return identity.debtor_id("default", "corebanking", customer_ref)
