"""What is wrong with a run of copied events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arrears.events.ingest import DebtorRegistered
from arrears.events.registry import encode
from arrears.recorded import Actor, Meta, encode_meta, leaf_hash, microseconds
from audit.domain.checks import CopiedEvent, NamedCause, causes_of, check_run, dense_run

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATA = encode(DebtorRegistered(source="core", customer_ref="c-1"))


def event(position: int, version: int = 1, stream: str = "debtor/1", **changes: Any) -> CopiedEvent:
    meta = encode_meta(Meta(actor=Actor(kind="system", id="t"), causation=changes.pop("causation", "")))
    plain = CopiedEvent(
        "ingest", position, stream, version, "d-1", "DebtorRegistered", 1, NOON, NOON + timedelta(seconds=position),
        DATA, meta, b"", None,
    )  # fmt: skip
    return sealed(replace(plain, **changes))


def sealed(row: CopiedEvent) -> CopiedEvent:
    leaf = leaf_hash(
        row.service, row.position, row.stream_key, row.version, row.debtor_id, row.type, row.schema_version,
        microseconds(row.occurred_at), microseconds(row.recorded_at), row.data, row.meta,
    )  # fmt: skip
    return replace(row, leaf=leaf)


def wrong(*rows: CopiedEvent, before: Mapping[str, int] | None = None, at: datetime | None = None) -> list[Any]:
    return [(v.kind, v.position) for v in check_run(rows, before or {}, at, timedelta(minutes=5))]


def test_a_whole_run_is_in_order() -> None:
    assert wrong(event(1), event(2, 2), event(3, 1, "debtor/2")) == []
    assert wrong(event(8, 4), before={"debtor/1": 3}, at=NOON) == []


def test_a_run_ends_before_the_first_gap() -> None:
    rows = [event(4), event(5), event(7)]
    assert [row.position for row in dense_run(rows, 3)] == [4, 5]
    assert dense_run(rows, 2) == []
    assert dense_run([], 0) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"data": DATA.replace(b"c-1", b"c-2")},
        {"debtor_id": "d-2"},
        {"occurred_at": NOON + timedelta(microseconds=1)},
        {"stream_key": "debtor/1"[:-1] + "9"},
        {"other_leaf": b"\x00" * 32},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_event_does_not_fit_its_leaf(changes: dict[str, Any]) -> None:
    assert ("hash_mismatch", 1) in wrong(replace(event(1), **changes))


def test_a_version_that_is_skipped_or_repeated_is_found() -> None:
    assert wrong(event(1), event(2, 3)) == [("version_gap", 2)]
    assert wrong(event(1), event(2, 1)) == [("version_gap", 2)]
    assert wrong(event(5, 2)) == [("version_gap", 5)]


def test_record_times_may_step_back_a_little() -> None:
    assert wrong(event(1), event(2, 2, recorded_at=NOON - timedelta(minutes=4))) == []
    assert wrong(event(1), event(2, 2, recorded_at=NOON - timedelta(minutes=6))) == [("clock_order", 2)]
    late = event(1, recorded_at=NOON - timedelta(days=1))
    assert list(check_run([late], {}, NOON, None)) == []


def test_bytes_that_are_no_event_are_found_and_a_newer_type_is_not_blamed() -> None:
    assert wrong(event(1, data=b"{}")) == [("schema", 1)]
    assert wrong(event(1, data=b"not json")) == [("schema", 1)]
    assert wrong(event(1, meta=b"{}")) == [("schema", 1)]
    assert wrong(event(1, type="InventedLater")) == []
    assert wrong(event(1, schema_version=9)) == []


def test_causes_in_our_logs_are_named_and_those_outside_are_not() -> None:
    rows = [event(1, causation="legal/7"), event(2, causation="core#x"), event(3), event(4, meta=b"{}")]
    assert list(causes_of(rows, frozenset({"legal"}))) == [NamedCause(1, "legal", 7)]
