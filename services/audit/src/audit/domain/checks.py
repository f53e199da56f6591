"""What a log must be, checked over a run of copied events. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from arrears.events.registry import InvalidEvent, UnknownEvent, decode
from arrears.recorded import decode_meta, leaf_hash, microseconds
from audit.domain.checkpoint import Kind, Violation


@dataclass(frozen=True, slots=True)
class CopiedEvent:
    """One event as audit keeps it. `leaf` was computed when it was copied; `other_leaf` is set when the topic later
    showed another event under the same position."""

    service: str
    position: int
    stream_key: str
    version: int
    debtor_id: str
    type: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    data: bytes
    meta: bytes
    leaf: bytes
    other_leaf: bytes | None


@dataclass(frozen=True, slots=True)
class NamedCause:
    """An event says that it was caused by the event at `cause_position` of `cause_service`."""

    position: int
    cause_service: str
    cause_position: int


def dense_run(rows: Sequence[CopiedEvent], after: int) -> Sequence[CopiedEvent]:
    """Return the rows that follow position `after` without a gap."""
    count = 0
    while count < len(rows) and rows[count].position == after + count + 1:
        count += 1
    return rows[:count]


def check_run(
    rows: Sequence[CopiedEvent],
    versions_before: Mapping[str, int],
    recorded_before: datetime | None,
    allowed_backstep: timedelta | None,
) -> Iterator[Violation]:
    """Yield what is wrong with a dense run.

    `versions_before` are the last versions of its streams before the run, `recorded_before` the record time of the event
    before it. Record times may step back by `allowed_backstep` (a corrected system clock); None checks no order, for the
    virtual clock, whose jumps reach two writers at different moments.
    """
    versions, recorded = dict(versions_before), recorded_before
    for row in rows:
        if row.other_leaf is not None or _leaf(row) != row.leaf:
            yield _violation(row, "hash_mismatch", "the copy and the topic hold different events at this position")
        last = versions.get(row.stream_key, 0)
        if row.version != last + 1:
            yield _violation(row, "version_gap", f"version {row.version} follows version {last}")
        versions[row.stream_key] = row.version
        if allowed_backstep is not None and recorded is not None and row.recorded_at < recorded - allowed_backstep:
            yield _violation(row, "clock_order", f"recorded {recorded - row.recorded_at} before its predecessor")
        recorded = row.recorded_at if recorded is None else max(recorded, row.recorded_at)
        if wrong := _unreadable(row):
            yield _violation(row, "schema", wrong)


def causes_of(rows: Sequence[CopiedEvent], services: frozenset[str]) -> Iterator[NamedCause]:
    """Yield the causes inside our logs that the rows name; those outside (a bank file, a person) are not ours to find."""
    for row in rows:
        try:
            causation = decode_meta(row.meta).causation
        except msgspec.DecodeError:
            continue  # reported as a schema violation
        service, _, position = causation.partition("/")
        if service in services and position.isdecimal():
            yield NamedCause(row.position, service, int(position))


def _leaf(row: CopiedEvent) -> bytes:
    return leaf_hash(
        row.service, row.position, row.stream_key, row.version, row.debtor_id, row.type, row.schema_version,
        microseconds(row.occurred_at), microseconds(row.recorded_at), row.data, row.meta,
    )  # fmt: skip


def _unreadable(row: CopiedEvent) -> str:
    """Return why the event cannot be read. A type that only a newer release knows is no fault of the log."""
    try:
        decode_meta(row.meta)
        decode(row.service, row.type, row.schema_version, row.data)
    except UnknownEvent:
        return ""
    except (InvalidEvent, msgspec.DecodeError) as error:
        return str(error)
    return ""


def _violation(row: CopiedEvent, kind: Kind, detail: str) -> Violation:
    return Violation(kind=kind, position=row.position, stream_key=row.stream_key, detail=detail)
