"""CloudEvents 1.0 in Kafka's binary mode (CloudEvents Kafka protocol binding §3.2), and structured mode on the way in. Pure.

Headers: ce_id `<service>/<position>`, ce_source, ce_type, ce_time, ce_subject (debtor), ce_dataschema, our extensions
ce_recordedtime, ce_streamkey, ce_streamversion, the trace context, and the meta bytes. The value is the stored bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final

import msgspec

from arrears.events.registry import InvalidEvent, UnknownEvent, decode, parse_wire_name, wire_name
from arrears.recorded import Actor, Meta, Recorded, decode_meta
from arrears.telemetry.trace_context import parse

Headers = Sequence[tuple[str, bytes]]
HEARTBEAT: Final = "arrears.heartbeat.v1"
_HEARTBEAT: Final = HEARTBEAT.encode()
_JSON: Final = b"application/json"
_LONGEST_KEY: Final = 400
_TRACEPARENT: Final = b'"traceparent":"'  # as encode_meta writes it


class RawRecord(msgspec.Struct, frozen=True):
    """A Kafka record as it came: coordinates, key, value, headers, and the broker's or producer's time.

    A header without a value, which Kafka allows, has an empty one here. `named` is computed: the headers by name.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: datetime
    named: dict[str, bytes] = {}

    def __post_init__(self) -> None:
        """Look the headers over once; their readers ask for several."""
        named = dict(self.headers)
        if None in named.values() or len(named) < len(self.headers):
            headers = tuple((name, value or b"") for name, value in self.headers)
            msgspec.structs.force_setattr(self, "headers", headers)
            named = dict(headers)
        msgspec.structs.force_setattr(self, "named", named)

    @property
    def key_text(self) -> str:
        """The key as the text under which the record parks: PostgreSQL takes no NUL, and no long text in an index."""
        key = self.key or b""
        if len(key) > _LONGEST_KEY:
            return f"{key[:40]!r}… sha256 {hashlib.sha256(key).hexdigest()}"
        return key.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")

    @property
    def ce_type(self) -> bytes:
        """The CloudEvents type of a record in binary mode; empty where there is none."""
        return self.named.get("ce_type", b"")


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A publisher's sign of life for a partition: the last position it published and its clock. Outside every log."""

    source: str
    position: int
    at: datetime


def to_headers(event: Recorded) -> list[tuple[str, bytes]]:
    """Return the binary-mode headers of a stored event."""
    return headers_of(
        event.source, event.position, event.stream_key, event.version, event.debtor_id, event.type, event.schema_version,
        event.occurred_at, event.recorded_at, event.raw_meta,
    )  # fmt: skip


def headers_of(
    source: str, position: int, stream_key: str, version: int, debtor_id: str, type_name: str, schema_version: int,
    occurred_at: datetime, recorded_at: datetime, meta: bytes,
) -> list[tuple[str, bytes]]:  # fmt: skip
    """Return the binary-mode headers of an event from its row, without decoding it; the relay's hot path."""
    headers = [
        *_constant_headers(source, type_name, schema_version),
        ("ce_id", f"{source}/{position}".encode()),
        ("ce_time", _text(occurred_at)),
        ("ce_subject", debtor_id.encode()),
        ("ce_recordedtime", _text(recorded_at)),
        ("ce_streamkey", stream_key.encode()),
        ("ce_streamversion", b"%d" % version),
        ("arrears_meta", meta),
    ]
    at = meta.find(_TRACEPARENT)
    if at >= 0:
        headers.append(("traceparent", meta[at + len(_TRACEPARENT) : meta.index(b'"', at + len(_TRACEPARENT))]))
    return headers


@cache
def _constant_headers(source: str, type_name: str, schema_version: int) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/arrears/{source}".encode()),
        ("ce_type", wire_name(source, type_name, schema_version).encode()),
        ("ce_dataschema", f"/schemas/{source}/{type_name}.v{schema_version}.json".encode()),
        ("content-type", _JSON),
    )


def heartbeat_record(heartbeat: Heartbeat) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return value and headers of a heartbeat."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{heartbeat.source}/heartbeat/{heartbeat.at.isoformat()}".encode()),
        ("ce_source", f"/arrears/{heartbeat.source}".encode()),
        ("ce_type", HEARTBEAT.encode()),
        ("content-type", _JSON),
    ]
    return msgspec.json.encode(heartbeat), headers


def is_heartbeat(record: RawRecord) -> bool:
    """Say whether the record is a sign of life instead of an event."""
    return record.ce_type == _HEARTBEAT


def from_own_log(record: RawRecord) -> Recorded:
    """Return the event of one of our topics.

    Raises:
        InvalidEvent: a header is missing or wrong, or the data does not fit its type.
        UnknownEvent: the type or version is not known here.
    """
    headers = record.named
    try:
        owner, name, schema = parse_wire_name(headers["ce_type"].decode())
        event_id = headers["ce_id"].decode()
        service, _, position = event_id.partition("/")
        meta_bytes = headers["arrears_meta"]
        key = (record.key or b"").decode()
        if service != owner or key != headers["ce_subject"].decode():
            raise InvalidEvent(f"{event_id}: the key or the source is not the event's own")
        value, version, place = record.value or b"", int(headers["ce_streamversion"]), int(position)
        if version < 1 or place < 1:
            raise InvalidEvent(f"{event_id}: positions and versions count from 1, not {version}")
        return Recorded(
            owner, place, event_id, headers["ce_streamkey"].decode(), version, key,
            record.partition, name, schema, _instant(headers["ce_time"]), _instant(headers["ce_recordedtime"]),
            decode_meta(meta_bytes), value, meta_bytes, decode(owner, name, schema, value),
        )  # fmt: skip
    except KeyError as error:
        raise InvalidEvent(f"header {error} is missing") from error
    except (ValueError, msgspec.DecodeError) as error:
        if isinstance(error, InvalidEvent | UnknownEvent):
            raise
        raise InvalidEvent(str(error)) from error


def attributes(record: RawRecord) -> tuple[dict[str, Any], bytes]:
    """Return the CloudEvents attributes and the data bytes of a record in binary or structured mode.

    Raises:
        InvalidEvent: required attributes are missing, or the structured value is no JSON object.
    """
    headers = record.named
    if headers.get("content-type", b"").startswith(b"application/cloudevents"):
        return _structured(record.value or b"")
    found: dict[str, Any] = {name[3:]: value.decode() for name, value in headers.items() if name.startswith("ce_")}
    if "content-type" in headers:
        found["datacontenttype"] = headers["content-type"].decode()
    _require(found)
    return found, record.value or b""


def from_foreign(record: RawRecord, owner: str) -> Recorded:
    """Return the event of a native input topic such as `corebanking.events`; its id is the sender's.

    Raises:
        InvalidEvent: not CloudEvents, or the data does not fit its type.
        UnknownEvent: another owner, or a type or version that is not known here.
    """
    try:
        found, data = attributes(record)
        key = (record.key or b"").decode()
        owned_by, name, version = parse_wire_name(found["type"])
        at = _instant(found["time"].encode()) if "time" in found else record.at
        at = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidEvent | UnknownEvent):
            raise
        raise InvalidEvent(str(error)) from error
    if owned_by != owner:
        raise UnknownEvent(f"{found['type']!r} is not an event of {owner}")
    meta = Meta(actor=_sender(found["source"]), traceparent=_traceparent(record, found))
    return Recorded(
        record.topic, 0, f"{found['source']}#{found['id']}", key, 0, "", record.partition, name, version,
        at, record.at, meta, data, b"", decode(owner, name, version, data),
    )  # fmt: skip


@lru_cache(maxsize=1_024)
def _sender(source: str) -> Actor:
    return Actor(kind="system", id=source)


def _traceparent(record: RawRecord, found: Mapping[str, Any]) -> str:
    """Return the sender's trace; what is none is dropped, for it would be sent on with every event caused by this one."""
    given = record.named.get("traceparent") or str(found.get("traceparent", "")).encode()
    return given.decode() if parse(given) else ""


def _structured(value: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        envelope = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        found = {name: msgspec.json.decode(raw) for name, raw in envelope.items() if name != "data"}
    except msgspec.DecodeError as error:
        raise InvalidEvent(f"the structured event is no JSON object: {error}") from error
    _require(found)
    return found, bytes(envelope.get("data", b""))


def _require(found: Mapping[str, Any]) -> None:
    if not (found.get("id") and found.get("source") and found.get("type") and found.get("specversion")):
        missing = [name for name in ("id", "source", "type", "specversion") if not found.get(name)]
        raise InvalidEvent(f"CloudEvents attributes missing: {', '.join(missing)}")
    odd = [name for name in ("id", "source", "type", "time") if not isinstance(found.get(name, ""), str)]
    if odd:
        raise InvalidEvent(f"CloudEvents attributes that are no text: {', '.join(odd)}")
    if found["specversion"] != "1.0":
        raise InvalidEvent(f"CloudEvents {found['specversion']!r} is not spoken here")


@lru_cache(maxsize=4_096)  # a batch repeats its times
def _text(at: datetime) -> bytes:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z").encode()


@lru_cache(maxsize=4_096)
def _instant(text: bytes) -> datetime:
    at = datetime.fromisoformat(text.decode())
    if at.tzinfo is None:
        raise InvalidEvent(f"the time {text.decode()} has no zone")
    return at
