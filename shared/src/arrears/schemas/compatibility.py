"""What may not change in a published type: the fields that readers rely on. Pure.

A new schema is compatible with a released one when today's code reads every event that the released one allows, and a
reader of the released one still finds every field it knows. So a field is only added, and with a default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

# Bounds that may only be widened: the name, and whether a larger number is the stricter one.
_BOUNDS: Final = {
    "minimum": True, "exclusiveMinimum": True, "minLength": True, "minItems": True,
    "maximum": False, "exclusiveMaximum": False, "maxLength": False, "maxItems": False,
}  # fmt: skip
_ABSENT: Final = object()


def incompatibilities(released: Schema, today: Schema) -> list[str]:
    """Return what an event type's schema broke since it was released, one line each; empty when nothing."""
    return list(_compare(released, today, _Documents(released, today), "", frozenset()))


class _Documents:
    """The two documents, for the references inside each."""

    def __init__(self, released: Schema, today: Schema) -> None:
        self._released, self._today = released.get("$defs", {}), today.get("$defs", {})

    def released(self, schema: Schema) -> Schema:
        return _resolved(schema, self._released)

    def today(self, schema: Schema) -> Schema:
        return _resolved(schema, self._today)


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        found: Schema = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _compare(old: Schema, new: Schema, docs: _Documents, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
    refs = (old.get("$ref", ""), new.get("$ref", ""))
    if all(refs):
        if refs in seen:
            return
        seen |= {refs}
    old, new = docs.released(old), docs.today(new)
    if "anyOf" in old or "anyOf" in new:
        yield from _alternatives(old, new, docs, at, seen)
        return
    if _kind(old) != _kind(new):
        yield f"{_place(at)}: type changed from {_kind(old)} to {_kind(new)}"
        return
    yield from _values(old, new, at)
    yield from _fields(old, new, docs, at, seen)
    for name in ("items", "additionalProperties"):
        if isinstance(old.get(name), Mapping) and isinstance(new.get(name), Mapping):
            yield from _compare(old[name], new[name], docs, f"{at}[]", seen)


def _alternatives(
    old: Schema, new: Schema, docs: _Documents, at: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    """Each alternative that was allowed must still fit one that is allowed now."""
    offered = [docs.today(each) for each in new.get("anyOf", [new])]
    for each in old.get("anyOf", [old]):
        tried = [list(_compare(each, option, docs, at, seen)) for option in offered]
        if all(tried):
            kind = _kind(docs.released(each))
            same_kind = [found for found, option in zip(tried, offered, strict=True) if _kind(option) == kind]
            yield from min(same_kind or tried, key=len)


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "enum" in new:
        gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if gone or "enum" not in old:
            yield f"{_place(at)}: enum narrowed" + (
                f", {', '.join(map(str, gone))} not allowed any more" if gone else ""
            )
    for name, larger_is_stricter in _BOUNDS.items():
        before, now = old.get(name), new.get(name)
        if now is not None and (before is None or (now > before if larger_is_stricter else now < before)):
            yield f"{_place(at)}: {name} tightened from {before} to {now}"
    for name in ("pattern", "format"):
        if new.get(name) != old.get(name) and (name in new or name == "format"):
            yield f"{_place(at)}: {name} changed from {old.get(name)} to {new.get(name)}"


def _fields(old: Schema, new: Schema, docs: _Documents, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        place = f"{at}.{name}" if at else name
        if name not in now:
            yield f"{place}: field removed"
            continue
        had_default = "default" in schema and name not in new.get("required", ())
        if had_default and schema["default"] != now[name].get("default", _ABSENT):
            yield f"{place}: default changed, which changes what old events mean"
        yield from _compare(schema, now[name], docs, place, seen)
    required = set(old.get("required", ()))
    for name in new.get("required", ()):
        if name not in required:
            what = "field became required" if name in before else "new required field without default"
            yield f"{at}.{name}: {what}" if at else f"{name}: {what}"


def _kind(schema: Schema) -> str:
    """Return the JSON type; a list of words counts as the string or number that its words are."""
    if "enum" in schema and "type" not in schema:
        kinds = {"string" if isinstance(value, str) else "integer" for value in schema["enum"]}
        return "/".join(sorted(kinds))
    return str(schema.get("type", "any"))


def _place(at: str) -> str:
    return at or "the event"
