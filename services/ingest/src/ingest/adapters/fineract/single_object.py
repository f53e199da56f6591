"""Avro single-object encoding: C3 01, eight bytes CRC-64-AVRO of the schema's canonical form (little-endian), the body."""

from __future__ import annotations

import importlib.resources
import io
import json
from functools import cache
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

from arrears.events.registry import InvalidEvent

NAMESPACE: Final = "org.apache.fineract.avro"
_MARKER: Final = b"\xc3\x01"
_HEADER: Final = 10

# The records that stand alone in a message; all others are parts of these.
ROOTS: Final = (
    f"{NAMESPACE}.MessageV1",
    f"{NAMESPACE}.BulkMessagePayloadV1",
    f"{NAMESPACE}.loan.v1.LoanRepaymentDueDataV1",
    f"{NAMESPACE}.loan.v1.LoanTransactionDataV1",
    f"{NAMESPACE}.loan.v1.LoanTransactionAdjustmentDataV1",
    f"{NAMESPACE}.loan.v1.LoanAccountDelinquencyRangeDataV1",
)


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Return every record definition by its full name."""
    folder = importlib.resources.files("ingest.adapters.fineract") / "schemas"
    found = [json.loads(file.read_text()) for file in folder.iterdir() if file.name.endswith(".avsc")]
    return {f"{one['namespace']}.{one['name']}": one for one in found}


@cache
def schema(name: str) -> Any:
    """Return the parsed schema of a record, with the records it is made of defined where they first occur."""
    return parse_schema(_inlined(name, set()))


@cache
def fingerprint_of(name: str) -> bytes:
    """Return the eight bytes that name the schema on the wire."""
    number: str = fingerprint(to_parsing_canonical_form(_inlined(name, set())), "CRC-64-AVRO")
    return bytes.fromhex(number)


@cache
def _by_fingerprint() -> dict[bytes, str]:
    return {fingerprint_of(name): name for name in ROOTS}


def decode(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the full name of the record and its fields.

    Raises:
        InvalidEvent: no single object, a fingerprint that is not known, or a body that does not fit its schema.
    """
    if data[:2] != _MARKER or len(data) < _HEADER:
        raise InvalidEvent("not an Avro single object: it does not begin with C3 01 and a fingerprint")
    name = _by_fingerprint().get(data[2:_HEADER])
    if name is None:
        raise InvalidEvent(f"no schema is known with the fingerprint {data[2:_HEADER].hex()}")
    body = io.BytesIO(data[_HEADER:])
    try:
        fields: Any = schemaless_reader(body, schema(name), None)
    except Exception as error:  # fastavro raises whatever the broken bytes lead it to
        raise InvalidEvent(f"the body is no {name.rpartition('.')[2]}: {error!r}") from error
    if body.read(1):
        raise InvalidEvent(f"bytes are left behind a {name.rpartition('.')[2]}")
    return name, fields


def encode(name: str, fields: dict[str, Any]) -> bytes:
    """Return the record as a single object, as Fineract would send it."""
    body = io.BytesIO()
    schemaless_writer(body, schema(name), fields)
    return _MARKER + fingerprint_of(name) + body.getvalue()


def _inlined(node: Any, defined: set[str]) -> Any:
    """Return the definition with every record that it names put in place at its first occurrence."""
    if isinstance(node, list):
        return [_inlined(one, defined) for one in node]
    if isinstance(node, dict):
        return {**node, "items": _inlined(node["items"], defined)} if "items" in node else node
    if node not in definitions() or node in defined:
        return node
    defined.add(node)
    record = definitions()[node]
    fields = [{**field, "type": _inlined(field["type"], defined)} for field in record["fields"]]
    return {**record, "fields": fields}
