"""A portfolio in CSV: one row an instalment, the rows of a loan together; the format is docs/portfolio-files.md.

A loan with a row that cannot be read is rejected whole, with line, field and reason: half a schedule would be another
loan. The loans before and after it are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import msgspec

from arrears.events.corebanking import LoanBooked, RepaymentPosted
from arrears.events.registry import Event
from arrears.values.money import InvalidAmount, to_minor
from ingest.domain.refusals import FileUnreadable

_NEEDED: Final = ("loan_ref", "customer_ref", "product", "currency", "principal", "disbursed_on", "no", "due_on")
_LOAN: Final = (
    "loan_ref", "customer_ref", "product", "currency", "disbursed_on", "annual_rate", "penalty_multiplier", "day_count",
    "payment_reference",
)  # fmt: skip
_PERSON: Final = ("name", "phone", "email", "zone", "language")
_AMOUNTS: Final = {"due_principal": "principal_minor", "due_interest": "interest_minor", "due_fee": "fee_minor"}
_ALL: Final = frozenset(
    (*_NEEDED, *_LOAN, *_PERSON, *_AMOUNTS, "grace_days", "tolerance", "repaid", "repaid_on")
)  # fmt: skip
OPENING: Final = "opening"
"""The name under which the money that was repaid before the import is posted; once a loan."""


class _Wrong(ValueError):
    """What is wrong with a row: its line, the field, the reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its line in the file."""

    line: int
    fields: Mapping[str, str]


@dataclass(slots=True)
class Portfolio:
    """What the file holds: the facts of each loan in the file's order, and the loans that were rejected and why."""

    facts: list[Event] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


def read(data: bytes) -> Portfolio:
    """Return the loans of a CSV file (UTF-8, with a header).

    Raises:
        FileUnreadable: no UTF-8 text, no CSV, a column is missing, unknown, or there twice.
    """
    found, seen = Portfolio(), set[str]()
    for loan_ref, rows in groupby(_rows(data), key=lambda row: row.fields["loan_ref"]):
        loan = list(rows)
        try:
            if loan_ref in seen:
                raise _Wrong(f"line {loan[0].line}, loan_ref: rows of {loan_ref!r} stand apart")
            seen.add(loan_ref)
            found.facts += _loan(loan)
        except _Wrong as error:
            found.rejected.append(f"loan {loan_ref or '(no name)'}: {error}")
    return found


def _rows(data: bytes) -> Iterator[Row]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = reader.fieldnames or ()
        _check_header(names)
        for fields in reader:
            if None in fields or None in fields.values():
                raise FileUnreadable(f"line {reader.line_num}: {len(names)} columns are needed")
            yield Row(reader.line_num, {name: value.strip() for name, value in fields.items()})
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileUnreadable(f"no readable CSV: {error}") from error


def _check_header(names: Any) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise FileUnreadable(f"columns are missing: {', '.join(missing)}")
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        raise FileUnreadable(f"columns are not known: {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise FileUnreadable("a column comes twice")


def _loan(rows: list[Row]) -> list[Event]:
    first = rows[0]
    for row in rows[1:]:
        differing = [name for name in (*_LOAN, *_PERSON, "principal") if _of(row, name) != _of(first, name)]
        if differing:
            raise _Wrong(f"line {row.line}, {differing[0]}: differs from line {first.line} of the same loan")
    fields: dict[str, Any] = {name: value for name in _LOAN if (value := _of(first, name))}
    fields["principal_minor"] = _amount(first, "principal")
    fields["tolerance_minor"] = _amount(first, "tolerance")
    fields["grace_days"] = _whole(first, "grace_days")
    fields["customer"] = {name: value for name in _PERSON if (value := _of(first, name))}
    fields["instalments"] = [_instalment(row) for row in rows]
    booked = _checked(fields, LoanBooked, first)
    return [booked, *_repaid(first, booked)]


def _instalment(row: Row) -> dict[str, Any]:
    amounts = {kept: _amount(row, name) for name, kept in _AMOUNTS.items()}
    return {"no": _whole(row, "no"), "due_on": _of(row, "due_on"), **amounts}


def _repaid(row: Row, loan: LoanBooked) -> list[RepaymentPosted]:
    amount = _amount(row, "repaid")
    if not amount:
        return []
    fields = {
        "loan_ref": loan.loan_ref, "customer_ref": loan.customer_ref, "posting_ref": f"{OPENING}/{loan.loan_ref}",
        "amount_minor": amount, "currency": loan.currency, "value_on": _of(row, "repaid_on"),
    }  # fmt: skip
    return [_checked(fields, RepaymentPosted, row)]


def _checked(fields: dict[str, Any], kind: type[Any], row: Row) -> Any:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise _Wrong(f"from line {row.line}: {error}") from error


def _of(row: Row, name: str) -> str:
    return row.fields.get(name, "")


def _amount(row: Row, name: str) -> int:
    try:
        return to_minor(_of(row, name) or "0", _of(row, "currency"))
    except InvalidAmount as error:
        raise _Wrong(f"line {row.line}, {name}: {error}") from error


def _whole(row: Row, name: str) -> int:
    try:
        return int(_of(row, name) or "0")
    except ValueError as error:
        raise _Wrong(f"line {row.line}, {name}: {_of(row, name)!r} is no whole number") from error
