"""The table of event types, for people: who owns them, what they mean, their fields, who listens. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from arrears.events.registry import Event, EventType
from arrears.schemas.json_schema import Schema, path_of, schema_of

OWNERS: Final = ("ingest", "scoring", "outreach", "legal", "audit", "corebanking")
ANY_OWNER: Final = "every owner"

_HEAD: Final = """# Events

Generated from `shared/src/arrears/events` and the services' tables of contents by `python -m arrears.schemas.export`; do not edit.
One JSON Schema a type and version stands in [`schemas/`](schemas), all topics in [`asyncapi.json`](asyncapi.json), what each
release promised in [`released/`](released).

**Where.** Each publisher has one topic, `<owner>.events`, with the debtor id as key (for a stream that belongs to nobody, such as
a business day: its own name, and an explicit partition). `ce_streamkey` is `<stream>/<id>`, `ce_streamversion` counts up by one.
A record is CloudEvents 1.0 in Kafka's binary mode: the value is exactly the JSON stored in the log; the header `arrears_meta`
names actor, tenant, cause, correlation and legal date. `corebanking.events` is an input: core banking writes it, keyed by its
customer reference, and ingest reads it.

**Units.** `_minor` integer minor units of the currency beside it (fen, cents) · `_on` and dates: a day, local to the borrower ·
`_at` and instants: UTC · `_days`, `_seconds` whole numbers · rates: decimal text a year (`"0.072"` is 7.2 %) · `_sealed`
encrypted with the debtor's own key.

**Changes.** A field is only added, and with a default; readers ignore fields that they do not know. A list of allowed words may
grow, so consumers are deployed before publishers. What cannot be said by an added field becomes a new version with an upcaster.
`make check` refuses anything else.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One type with what the services' definitions say of it."""

    kind: EventType
    streams: tuple[str, ...]
    starts_steps_in: tuple[str, ...]
    shown_by: tuple[str, ...]


def table(entries: Sequence[Entry]) -> str:
    """Return the Markdown page."""
    parts: dict[str, Schema] = {}
    groups = _groups(entries)
    lines = [_HEAD, "## All types", ""]
    for group, members in groups.items():
        columns = ("event", "version", "meaning", "stream", "starts a step in", "shown by")
        lines += [f"**{group}**", "", _line(columns), "|---" * len(columns) + "|"]
        lines += [_row(group, entry) for entry in members]
        lines.append("")
    for group, members in groups.items():
        lines += [f"## Fields: {group}", ""]
        for entry in members:
            schema = schema_of(entry.kind)
            parts |= schema.get("$defs", {})
            lines += _fields(f"{group} {entry.kind.name}", f"[schema](schemas/{path_of(entry.kind)})", schema)
    lines += ["## Parts", "", "What fields above are made of.", ""]
    for name in sorted(parts):
        lines += _fields(name, "", parts[name])
    return "\n".join(lines).rstrip() + "\n"


def _groups(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the entries by owner, a class that several owners publish once, under its own heading."""
    by_class: dict[type[Event], list[Entry]] = {}
    for entry in entries:
        by_class.setdefault(entry.kind.cls, []).append(entry)
    groups: dict[str, list[Entry]] = {group: [] for group in (*OWNERS, ANY_OWNER)}
    for same in by_class.values():
        group = same[0].kind.owner if len(same) == 1 else ANY_OWNER
        groups[group].append(same[0] if len(same) == 1 else _joined(same))
    return {group: members for group, members in groups.items() if members}


def _joined(same: Sequence[Entry]) -> Entry:
    def each_once(names: Iterator[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    return Entry(
        same[0].kind,
        each_once(f"{entry.kind.owner}: {stream}" for entry in same for stream in entry.streams),
        each_once(name for entry in same for name in entry.starts_steps_in),
        each_once(name for entry in same for name in entry.shown_by),
    )


def _row(group: str, entry: Entry) -> str:
    kind = entry.kind
    name = f"[`{kind.name}`](#{group.replace(' ', '-')}-{kind.name.lower()})"
    meaning = " ".join((kind.cls.__doc__ or "").split())
    return _line(
        (name, f"v{kind.version}", meaning, *map(_listed, (entry.streams, entry.starts_steps_in, entry.shown_by)))
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "–"


def _fields(title: str, link: str, schema: Schema) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield " ".join(str(schema.get("description", "")).split()) + (f" ({link})" if link else "")
    yield ""
    required = schema.get("required", ())
    yield "| field | type | default |"
    yield "|---|---|---|"
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field.get("default"))
        yield f"| `{name}` | {_cell(type_text(field, name))} | {_cell(default)} |"
    yield ""


def _default(value: Any) -> str:
    match value:
        case None:
            return "none"
        case "":
            return "empty"
        case [] | {}:
            return "empty"
        case _:
            return f"`{value}`"


def type_text(schema: Schema, name: str = "") -> str:
    """Return in words what a field may hold."""
    if "anyOf" in schema:
        texts = [type_text(each, name) for each in schema["anyOf"]]
        return " or ".join(sorted(texts, key=lambda text: text == "null"))
    if "$ref" in schema:
        part = schema["$ref"].rpartition("/")[2]
        return f"[{part}](#{part.lower()})"
    if "enum" in schema:
        return " · ".join(f"`{value}`" for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {type_text(schema.get('items', {}), name)}" + _bounds(schema)
        case "object":
            return f"map of text to {type_text(schema.get('additionalProperties', {}))}"
        case "integer":
            return str(
                schema.get("description") or ("integer minor units" if name.endswith("_minor") else "integer")
            ) + _bounds(schema)
        case "string":
            known = {"date": "date", "date-time": "instant"}.get(schema.get("format", ""), "text")
            return str(schema.get("description") or known) + _bounds(schema)
        case other:
            return str(other or "anything")


def _bounds(schema: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    sizes = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {}",
        "maxItems": "at most {}",
    }
    found = [] if "description" in schema else [f"{sign} {schema[key]}" for key, sign in signs.items() if key in schema]
    found += [text.format(schema[key]) for key, text in sizes.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
