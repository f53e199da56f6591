"""Read a record of one of our topics for the copy: whatever its data is, it must be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from arrears.events.registry import Event, InvalidEvent, UnknownEvent, parse_wire_name
from arrears.kafka.cloudevents import RawRecord, from_own_log
from arrears.kafka.sources import Source
from arrears.recorded import Actor, Meta, Recorded, decode_meta

_NOBODY: Final = Meta(actor=Actor(kind="system", id="unreadable"))


class Unread(Event, frozen=True, kw_only=True):
    """Stands for data that this release cannot read: a newer type, or bytes that are no event."""


class Copied(Recorded, frozen=True):
    """An event with its place in the topic."""

    offset: int


def copied(record: RawRecord) -> tuple[Recorded, ...]:
    """Return the event of a record.

    Raises:
        InvalidEvent: the headers do not say which event it is, or say one of another topic or key.
    """
    try:
        event = from_own_log(record)
    except (InvalidEvent, UnknownEvent):
        event = _coordinates(record)
    if record.topic != f"{event.source}.events":
        raise InvalidEvent(f"{event.event_id} does not belong on {record.topic}")
    fields: dict[str, Any] = {name: getattr(event, name) for name in Recorded.__struct_fields__}
    return (Copied(**fields, offset=record.offset),)


def _coordinates(record: RawRecord) -> Recorded:
    """Return the event as far as its headers tell, with its bytes as they are."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
        owner, name, schema = parse_wire_name(headers["ce_type"])
        service, _, position = headers["ce_id"].partition("/")
        key, meta = (record.key or b"").decode(), headers["arrears_meta"].encode()
        if service != owner or key != headers["ce_subject"]:
            raise InvalidEvent(f"{headers['ce_id']}: the key or the source is not the event's own")
        return Recorded(
            owner, int(position), headers["ce_id"], headers["ce_streamkey"], int(headers["ce_streamversion"]), key,
            record.partition, name, schema, datetime.fromisoformat(headers["ce_time"]),
            datetime.fromisoformat(headers["ce_recordedtime"]), _meta(meta), record.value or b"", meta, Unread(),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise InvalidEvent(f"the headers do not name an event: {error}") from error


def _meta(data: bytes) -> Meta:
    try:
        return decode_meta(data)
    except msgspec.DecodeError:
        return _NOBODY


def topic_of(service: str) -> Source:
    """Return the source of a service's topic for the copy."""
    return Source(f"{service}.events", copied, versioned=True)
