"""JSON Schema of every published type, as msgspec derives it from the classes that decode it. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from arrears.events.registry import EventType

Schema = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: EventType) -> Schema:
    """Return the JSON Schema of one type's data; `$id` is the path that `ce_dataschema` carries, without a host.

    Fields stand in the order of declaration, which is also their order in the bytes.
    """
    components = components_of(kind.cls, "#/$defs/{name}")
    body = components.pop(kind.cls.__name__)
    schema = {"$schema": DIALECT, "$id": f"/schemas/{path_of(kind)}", **body}
    return {**schema, "$defs": dict(sorted(components.items()))} if components else schema


def components_of(cls: type[Any], ref_template: str) -> dict[str, Schema]:
    """Return the schemas of a class and of the classes its fields are made of, by class name."""
    _, components = msgspec.json.schema_components((cls,), ref_template=ref_template)
    plain = msgspec.json.decode(msgspec.json.encode(components), type=dict[str, Schema])  # a default () becomes []
    return {name: _tidy(schema) for name, schema in plain.items()}


def path_of(kind: EventType) -> str:
    """Return the path of the type's schema below the folder of schemas."""
    return f"{kind.owner}/{kind.name}.v{kind.version}.json"


def _tidy(schema: Schema) -> Schema:
    """Return the schema without what says nothing (an empty list of required fields)."""
    return {name: value for name, value in schema.items() if (name, value) != ("required", [])}
