"""docs/events: what is written, when it is stale, and what a release promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from arrears.auth.policy import SERVICES
from arrears.events.ingest import LoanOverdue
from arrears.events.registry import Event, EventType, event_types
from arrears.schemas.export import broken_promises, current_entries, main, stale
from arrears.schemas.json_schema import schema_of


class Toy(Event, frozen=True, kw_only=True):
    """A toy was given."""

    toy_id: str


class BareToy(Event, frozen=True, kw_only=True):
    """A toy without its id."""


def kind(cls: type[Event], version: int = 1, upcasters: dict[int, Any] | None = None) -> EventType:
    return EventType("toys", "Toy", version, cls, upcasters or {})


ENTRIES = current_entries()
RELEASED = {"arrears.toys.Toy.v1": schema_of(kind(Toy))}


def test_what_is_written_is_current_and_a_changed_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--into", str(tmp_path)]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    (tmp_path / "schemas/ingest/LoanOverdue.v1.json").write_text("{}")
    (tmp_path / "schemas/ingest/Forgotten.v1.json").write_text("{}")
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    said = capsys.readouterr().err
    assert "LoanOverdue.v1.json" in said and "Forgotten.v1.json" in said
    assert main(arguments) == 0
    assert not (tmp_path / "schemas/ingest/Forgotten.v1.json").exists()


def test_a_release_is_kept_and_what_breaks_it_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--into", str(tmp_path)]
    assert main([*arguments, "--release", "1.0.0"]) == 0
    path = tmp_path / "released/1.0.0.json"
    released = json.loads(path.read_text())
    released["arrears.ingest.LoanOverdue.v1"]["properties"]["promised"] = {"type": "string"}
    path.write_text(json.dumps(released))
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    assert "1.0.0: arrears.ingest.LoanOverdue.v1: promised: field removed" in capsys.readouterr().err


def test_a_removed_type_and_a_missing_upcaster_break_a_release() -> None:
    assert broken_promises(RELEASED, []) == ["arrears.toys.Toy.v1: the type was removed"]
    assert broken_promises(RELEASED, [kind(BareToy, 2)]) == ["arrears.toys.Toy.v1: no upcaster leads to version 2"]
    assert broken_promises(RELEASED, [kind(BareToy, 2, {1: dict})]) == []


def test_stale_names_what_is_missing(tmp_path: Path) -> None:
    assert stale({"README.md": "text"}, tmp_path) == ["README.md"]


@pytest.mark.parametrize("each", list(event_types()), ids=lambda each: each.wire_name)
def test_every_schema_is_a_schema_and_speaks_of_its_fields(each: EventType) -> None:
    schema = schema_of(each)
    Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == [field.encode_name for field in msgspec.structs.fields(each.cls)]
    assert schema["$id"].startswith("/schemas/") and schema["description"]


def test_every_event_of_a_service_stands_in_one_kind_of_stream() -> None:
    """An event that no decider folds could not be loaded again."""
    shared = {entry.kind.cls for entry in ENTRIES if sum(e.kind.cls is entry.kind.cls for e in ENTRIES) > 1}
    lost = [
        (entry.kind.wire_name, entry.streams)
        for entry in ENTRIES
        if entry.kind.owner in SERVICES and entry.kind.cls not in shared and len(entry.streams) != 1
    ]
    assert lost == []


def test_the_table_says_who_acts_on_what() -> None:
    overdue = next(entry for entry in ENTRIES if entry.kind.cls is LoanOverdue)
    assert overdue.streams == ("loan",)
    assert {"scoring", "outreach"} <= set(overdue.starts_steps_in)
    assert {"audit", "console"} <= set(overdue.shown_by)
