"""What counts as an incompatible change of a published type."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from arrears.schemas.compatibility import incompatibilities

RELEASED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "loan_id": {"type": "string"},
        "amount_minor": {"type": "integer", "minimum": 0},
        "channel": {"enum": ["card", "transfer"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "until": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
    },
    "required": ["loan_id", "amount_minor", "channel", "parts"],
    "$defs": {"Part": {"type": "object", "properties": {"no": {"type": "integer"}}, "required": ["no"]}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the released schema with `value` at the dotted path; None removes what stands there."""
    schema = deepcopy(RELEASED)
    *way, last = path.split(".")
    place = schema
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return schema


def test_the_same_schema_is_compatible() -> None:
    assert incompatibilities(RELEASED, RELEASED) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties.note", {"type": "string", "default": ""}),
        ("properties.channel.enum", ["card", "cash", "transfer"]),
        ("properties.amount_minor.minimum", None),
        ("properties.loan_id", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("required", ["loan_id", "amount_minor", "channel"]),
        ("$defs.Part.properties.label", {"type": "string", "default": ""}),
        ("title", "another title"),
    ],
)
def test_what_widens_is_compatible(path: str, value: Any) -> None:
    assert incompatibilities(RELEASED, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("properties.loan_id", None, "loan_id: field removed"),
        ("properties.loan_id", {"type": "integer"}, "loan_id: type changed from string to integer"),
        ("properties.channel.enum", ["card"], "channel: enum narrowed, transfer not allowed any more"),
        ("properties.loan_id", {"enum": ["a"]}, "loan_id: enum narrowed"),
        ("properties.amount_minor.minimum", 1, "amount_minor: minimum tightened from 0 to 1"),
        ("properties.amount_minor.maximum", 9, "amount_minor: maximum tightened from None to 9"),
        ("properties.loan_id.pattern", "^L", "loan_id: pattern changed from None to ^L"),
        ("properties.until", {"type": "string", "format": "date", "default": None}, "until: type changed from null to string"),
        ("properties.until.default", "2026-01-01", "until: default changed, which changes what old events mean"),
        ("$defs.Part.properties.no", None, "parts[].no: field removed"),
        ("$defs.Part.required", ["no", "label"], "parts[].label: new required field without default"),
        ("required", ["loan_id", "amount_minor", "channel", "parts", "until"], "until: field became required"),
        ("required", ["loan_id", "amount_minor", "channel", "parts", "new"], "new: new required field without default"),
    ],
)  # fmt: skip
def test_what_breaks_a_reader_is_named(path: str, value: Any, said: str) -> None:
    assert incompatibilities(RELEASED, changed(path, value)) == [said]


def test_a_part_that_holds_itself_is_compared_once() -> None:
    tree = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    assert incompatibilities(tree, tree) == []
