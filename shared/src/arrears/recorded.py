"""An event as the log holds it: coordinates, times, causes, and the data. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import msgspec

from arrears.events.registry import Event

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who caused an event."""

    kind: Literal["user", "system", "agency", "court", "debtor"]
    id: str


class Meta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands beside the data: who, because of what, valid from when, in which trace."""

    actor: Actor
    tenant: str = "default"
    causation: str = ""
    correlation: str = ""
    effective_on: date | None = None
    traceparent: str = ""


class Recorded(msgspec.Struct, frozen=True):
    """One event of one log.

    `source` is the publishing service (or the foreign topic), `position` its place in that service's whole log (0 for
    a foreign record), `version` its place in its stream. `event_id` is the CloudEvents id.
    """

    source: str
    position: int
    event_id: str
    stream_key: str
    version: int
    debtor_id: str
    partition: int
    type: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    meta: Meta
    raw_data: bytes
    raw_meta: bytes
    data: Event


_meta_decoder: Final = msgspec.json.Decoder(Meta)
_meta_encoder: Final = msgspec.json.Encoder(order="deterministic")


def encode_meta(meta: Meta) -> bytes:
    """Return the exact bytes of `meta` that are stored, hashed and sent."""
    return _meta_encoder.encode(meta)


def decode_meta(data: bytes) -> Meta:
    """Return the meta that `data` holds. Raises msgspec.DecodeError when it is none."""
    return _meta_decoder.decode(data)


def microseconds(at: datetime) -> int:
    """Return `at` as whole microseconds since the epoch, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """Return the UTC instant of `value` microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=value)


def leaf_hash(
    source: str, position: int, stream_key: str, version: int, debtor_id: str, type_name: str, schema_version: int,
    occurred_us: int, recorded_us: int, data: bytes, meta: bytes,
) -> bytes:  # fmt: skip
    """Return the RFC 6962 leaf hash of one event: SHA-256(0x00 ‖ each field as 4-byte big-endian length + bytes).

    Numbers and times (microseconds since the epoch) are 8 bytes big-endian. The publisher computes it from the row,
    audit from the Kafka record; equal hashes mean equal facts.
    """
    fields = (
        source.encode(), position.to_bytes(8, "big"), stream_key.encode(), version.to_bytes(8, "big"),
        debtor_id.encode(), type_name.encode(), schema_version.to_bytes(8, "big"),
        occurred_us.to_bytes(8, "big", signed=True), recorded_us.to_bytes(8, "big", signed=True), data, meta,
    )  # fmt: skip
    digest = hashlib.sha256(b"\x00")
    for field in fields:
        digest.update(len(field).to_bytes(4, "big"))
        digest.update(field)
    return digest.digest()
