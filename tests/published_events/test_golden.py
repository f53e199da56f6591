"""Bytes that were once written are read by today's code: one example of every type and version.

`golden/<owner>/<Name>.v<n>.json` is today's form, byte for byte. When a field is added, the former file stays as
`<Name>.v<n>@<release>.json`: it must be read, and keep every value that it had.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from arrears.events.registry import EventType, decode, encode, event_types
from arrears.schemas.json_schema import schema_of

GOLDEN = Path(__file__).parent / "golden"
SHARED = "every_owner"
TYPES = list(event_types())


def folder_of(kind: EventType) -> str:
    """Return the folder of a type's examples; a class that several services publish has one for all."""
    return SHARED if sum(other.cls is kind.cls for other in TYPES) > 1 else kind.owner


def examples(kind: EventType) -> list[Path]:
    """Return the examples of every version of a type."""
    return sorted((GOLDEN / folder_of(kind)).glob(f"{kind.name}.v*.json"))


def version_of(path: Path) -> int:
    return int(path.name.removesuffix(".json").rpartition(".v")[2].partition("@")[0])


def missing_values(before: Any, after: Any) -> list[str]:
    """Return where `after` lacks or changes what `before` holds."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [f"{k}.{w}" if w else k for k, v in before.items() for w in missing_values(v, after.get(k))]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [f"{i}.{w}" for i, (b, a) in enumerate(zip(before, after, strict=True)) for w in missing_values(b, a)]
    return [] if before == after else [""]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.wire_name)
def test_every_version_has_an_example(kind: EventType) -> None:
    versions = {version_of(path) for path in examples(kind) if "@" not in path.name}
    assert versions == set(range(1, kind.version + 1)), f"write tests/published_events/golden/{folder_of(kind)}"


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.wire_name)
def test_an_example_is_read_and_written_again_byte_for_byte(kind: EventType) -> None:
    for path in examples(kind):
        data = path.read_bytes().removesuffix(b"\n")
        event = decode(kind.owner, kind.name, version_of(path), data)
        if version_of(path) == kind.version and "@" not in path.name:
            assert encode(event).decode() == data.decode()
            Draft202012Validator(schema_of(kind)).validate(json.loads(data))
        elif version_of(path) == kind.version:
            assert missing_values(json.loads(data), json.loads(encode(event))) == []


def test_no_example_belongs_to_nothing() -> None:
    known = {path for kind in TYPES for path in examples(kind)}
    assert [path.name for path in GOLDEN.rglob("*.json") if path not in known] == []
