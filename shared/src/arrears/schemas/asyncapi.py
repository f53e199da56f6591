"""One AsyncAPI 3.0 document of every topic: what stands on it, its headers, its key. Pure; no reference leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.registry import EventType
from arrears.kafka.cloudevents import HEARTBEAT, Heartbeat
from arrears.schemas.json_schema import Schema, components_of
from arrears.schemas.table import OWNERS, Entry
from arrears.tree.heads import TOPIC as HEADS_TOPIC

PARTITIONS: Final = 24
OWN_MAX_BYTES: Final = 1_200_000
INPUT_MAX_BYTES: Final = 8_000_000
FINERACT_TOPIC: Final = "external-events"
FINERACT_PARTITIONS: Final = 10
_BINDING: Final = "0.5.0"
_SCHEMA_REF: Final = "#/components/schemas/{name}"
_INPUTS: Final = ("corebanking",)


def document(entries: Sequence[Entry], version: str) -> dict[str, Any]:
    """Return the document for the given types."""
    owners = [owner for owner in OWNERS if any(entry.kind.owner == owner for entry in entries)]
    channels = {f"{owner}.events": _channel(owner, entries) for owner in owners}
    channels |= {HEADS_TOPIC: _heads_channel(), FINERACT_TOPIC: _fineract_channel()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Arrears events",
            "version": version,
            "description": "Every topic of the suite. Generated from the code that encodes and decodes the events.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "laptop": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The embedded broker of `make run`; elsewhere ARREARS_KAFKA names the brokers.",
            }
        },
        "channels": channels,
        "operations": _operations(owners, entries),
        "components": {
            "messages": {
                **{_name(entry.kind): _message(entry.kind) for entry in entries},
                "heartbeat.v1": _heartbeat_message(),
                "signed-head.v1": _head_message(),
                "fineract.MessageV1": _fineract_message(),
            },
            "schemas": _schemas(entries),
        },
    }


def _name(kind: EventType) -> str:
    return f"{kind.owner}.{kind.name}.v{kind.version}"


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{kind}/{name}"}


def _channel(owner: str, entries: Sequence[Entry]) -> dict[str, Any]:
    names = [_name(entry.kind) for entry in entries if entry.kind.owner == owner]
    foreign = owner in _INPUTS
    if not foreign:
        names.append("heartbeat.v1")
    description = (
        "Input: core banking tells ingest what it booked. Key: core banking's reference of the customer."
        if foreign
        else f"The whole log of {owner}, in its order, at least once. Key: debtor id. Same partition count on every topic."
    )
    return {
        "address": f"{owner}.events",
        "description": description,
        "messages": {name: _ref("components/messages", name) for name in names},
        "bindings": {"kafka": _topic(PARTITIONS, INPUT_MAX_BYTES if foreign else OWN_MAX_BYTES)},
    }


def _heads_channel() -> dict[str, Any]:
    return {
        "address": HEADS_TOPIC,
        "description": "Signed tree heads of every publisher, outside every log. Key: service.",
        "messages": {"signed-head.v1": _ref("components/messages", "signed-head.v1")},
        "bindings": {"kafka": _topic(1, OWN_MAX_BYTES)},
    }


def _fineract_channel() -> dict[str, Any]:
    return {
        "address": FINERACT_TOPIC,
        "description": "Input: Apache Fineract's own external events, as that project publishes them (Avro).",
        "messages": {"fineract.MessageV1": _ref("components/messages", "fineract.MessageV1")},
        "bindings": {"kafka": _topic(FINERACT_PARTITIONS, INPUT_MAX_BYTES)},
    }


def _topic(partitions: int, max_bytes: int) -> dict[str, Any]:
    return {
        "partitions": partitions,
        "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1, "max.message.bytes": max_bytes},
        "bindingVersion": _BINDING,
    }


def _operations(owners: Sequence[str], entries: Sequence[Entry]) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{owner}.publish": {
            "action": "send",
            "channel": _ref("channels", f"{owner}.events"),
            "summary": f"{owner} publishes its log" if owner not in _INPUTS else "Core banking tells what it booked",
        }
        for owner in owners
    }
    services = sorted({name for entry in entries for name in entry.starts_steps_in})
    for service in services:
        for owner in owners:
            heard = [e.kind for e in entries if e.kind.owner == owner and service in e.starts_steps_in]
            if heard:
                found[f"{service}.hear.{owner}"] = {
                    "action": "receive",
                    "channel": _ref("channels", f"{owner}.events"),
                    "summary": f"What {service} acts on",
                    "messages": [_ref(f"channels/{owner}.events/messages", _name(kind)) for kind in heard],
                }
    return found


def _message(kind: EventType) -> dict[str, Any]:
    own = kind.owner not in _INPUTS
    key = {"type": "string", "description": "debtor id" if own else "core banking's reference of the customer"}
    return {
        "name": kind.wire_name,
        "title": kind.name,
        "summary": " ".join((kind.cls.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": _ref("components/schemas", "LogHeaders" if own else "CloudEventsHeaders"),
        "payload": _ref("components/schemas", _name(kind)),
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}},
    }


def _heartbeat_message() -> dict[str, Any]:
    return {
        "name": HEARTBEAT,
        "title": "Heartbeat",
        "summary": "A publisher's sign of life for a partition, outside the log: its last position and its clock.",
        "contentType": "application/json",
        "headers": _ref("components/schemas", "CloudEventsHeaders"),
        "payload": _ref("components/schemas", "Heartbeat"),
    }


def _head_message() -> dict[str, Any]:
    return {
        "name": "arrears.tree-head",
        "title": "Signed tree head",
        "summary": "Size and root of a publisher's Merkle tree, signed with its Ed25519 key.",
        "contentType": "application/json",
        "payload": _ref("components/schemas", "SignedHead"),
        "bindings": {"kafka": {"key": {"type": "string", "description": "service"}, "bindingVersion": _BINDING}},
    }


def _fineract_message() -> dict[str, Any]:
    return {
        "name": "org.apache.fineract.avro.MessageV1",
        "title": "Fineract external event",
        "summary": "Avro binary MessageV1; its data is an Avro record named by its own schema field.",
        "contentType": "avro/binary",
        "payload": {"type": "string", "format": "binary"},
    }


def _schemas(entries: Sequence[Entry]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for entry in entries:
        parts = components_of(entry.kind.cls, _SCHEMA_REF)
        found[_name(entry.kind)] = parts.pop(entry.kind.cls.__name__)
        for name, schema in parts.items():
            if found.setdefault(name, schema) != schema:
                raise ValueError(f"two different parts of events are named {name}")
    found |= components_of(Heartbeat, _SCHEMA_REF)
    return {
        "CloudEventsHeaders": _cloudevents(),
        "LogHeaders": _log_headers(),
        "SignedHead": _signed_head(),
        **dict(sorted(found.items())),
    }


def _cloudevents() -> Schema:
    text = {"type": "string", "minLength": 1}
    properties = {
        "ce_specversion": {"type": "string", "enum": ["1.0"]},
        "ce_id": text,
        "ce_source": text,
        "ce_type": text,
        "ce_time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
    }
    return {
        "type": "object",
        "description": "CloudEvents 1.0, Kafka binding, binary mode.",
        "properties": properties,
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    }


def _log_headers() -> Schema:
    base = _cloudevents()
    own = {
        "ce_id": {"type": "string", "description": "<service>/<position in its log>"},
        "ce_subject": {"type": "string", "description": "debtor id; the record's key"},
        "ce_dataschema": {"type": "string", "description": "path of the JSON Schema"},
        "ce_recordedtime": {"type": "string", "format": "date-time", "description": "when the log took it, UTC"},
        "ce_streamkey": {"type": "string", "description": "<stream>/<id>"},
        "ce_streamversion": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "place in the stream, without gaps",
        },
        "arrears_meta": {
            "type": "string",
            "description": "JSON: actor, tenant, causation, correlation, effective_on, traceparent",
        },
    }
    return {
        "type": "object",
        "description": "CloudEvents headers of a record of one of our logs, with what audit needs to hash it again.",
        "properties": {**base["properties"], **own},
        "required": [*base["required"], "ce_time", *(name for name in own if name != "ce_id")],
    }


def _signed_head() -> Schema:
    hexadecimal = {"type": "string", "pattern": "^[0-9a-f]+$"}
    return {
        "type": "object",
        "properties": {
            "service": {"type": "string"},
            "size": {"type": "integer", "minimum": 0},
            "root": {**hexadecimal, "description": "SHA-256 root, hexadecimal"},
            "at": {"type": "string", "format": "date-time"},
            "signature": {**hexadecimal, "description": "Ed25519 over the C2SP checkpoint text, hexadecimal"},
        },
        "required": ["service", "size", "root", "at", "signature"],
    }
