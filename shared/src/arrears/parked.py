"""Parked records: list, show, redrive. A parked record holds back its key; a redrive applies the key's records in order, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from arrears.database import Connection, Database
from arrears.eventstore.errors import StreamVersionConflict
from arrears.kafka.cloudevents import RawRecord
from arrears.kafka.inbox import Inbox, Item
from arrears.transient import is_transient

_COLUMNS = 'topic, part, "offset", key, reason, error, attempts, record_at, parked_at'
_PLACE = '(consumer, topic, part, "offset") = ($1, $2, $3, $4)'


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did to one key: how many records were applied, how many are still parked, and why."""

    topic: str
    key: str
    applied: int
    left: int
    error: str


async def parked(database: Database, consumer: str, limit: int = 500) -> list[dict[str, Any]]:
    """Return what is parked, the oldest first."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS}, octet_length(value) AS bytes FROM es.parked WHERE consumer = $1 "
            'ORDER BY topic, part, "offset" LIMIT $2',
            consumer, limit,
        )  # fmt: skip
    return [dict(row) for row in rows]


async def parked_record(database: Database, consumer: str, topic: str, part: int, offset: int) -> dict[str, Any] | None:
    """Return one parked record with its headers and value (text where it is text)."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS}, headers, value FROM es.parked WHERE {_PLACE}", consumer, topic, part, offset
        )  # fmt: skip
    if row is None:
        return None
    headers = msgspec.json.decode(row["headers"], type=list[tuple[str, bytes]])
    return {
        **dict(row),
        "headers": {name: value.decode("utf-8", "backslashreplace") for name, value in headers},
        "value": (row["value"] or b"")[:100_000].decode("utf-8", "backslashreplace"),
    }


async def redrive(inbox: Inbox, topic: str | None, key: str | None, now: datetime) -> list[Redriven]:
    """Apply parked records again, key by key, without touching the consumer's offset.

    The first record of a key that still fails ends that key's redrive: it and what is behind it stay parked.
    """
    async with inbox.store.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT topic, key FROM es.parked WHERE consumer = $1 AND ($2::text IS NULL OR topic = $2) "
            "AND ($3::text IS NULL OR key = $3) ORDER BY topic, key",
            inbox.consumer, topic, key,
        )  # fmt: skip
    return [await _redrive_key(inbox, row["topic"], row["key"], now) for row in rows]


async def _redrive_key(inbox: Inbox, topic: str, key: str, now: datetime) -> Redriven:
    applied = 0
    while True:
        try:
            left, error = await _redrive_first(inbox, topic, key, now)
        except StreamVersionConflict:
            continue
        if left < 0:
            return Redriven(topic, key, applied, 0, "")
        if error:
            return Redriven(topic, key, applied, left, error)
        applied += 1


async def _redrive_first(inbox: Inbox, topic: str, key: str, now: datetime) -> tuple[int, str]:
    """Apply the key's first parked record in one transaction; returns what is left (-1: none was there) and an error."""
    place, left = (inbox.consumer, topic, 0, 0), 0
    try:
        async with inbox.store.database.transaction() as connection:
            rows = await _locked(connection, inbox, topic, key)
            if not rows:
                return -1, ""
            first, left = rows[0], len(rows)
            place = (inbox.consumer, topic, first["part"], first["offset"])
            await connection.execute(f"DELETE FROM es.parked WHERE {_PLACE}", *place)
            effects = await inbox.take(connection, [inbox.decode(_raw(topic, first))], now, held=False)
            if effects.parked:
                raise _StillParked(effects.parked[0])
        return left - 1, ""
    except _StillParked as still:
        reason, error = still.item.reason, still.item.error
    except Exception as refused:  # by the database: too large an event, a broken projection
        if is_transient(refused):
            raise
        reason, error = "unwritable", repr(refused)[:4_000]
    async with inbox.store.database.connection() as connection:
        await connection.execute(
            f"UPDATE es.parked SET attempts = attempts + 1, reason = $5, error = $6 WHERE {_PLACE}",
            *place, reason, error,
        )  # fmt: skip
    return left, error


class _StillParked(Exception):
    """The record fails as before: its transaction is rolled back, so that it stays parked since when it was."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.reason)
        self.item = item


async def _locked(connection: Connection, inbox: Inbox, topic: str, key: str) -> list[Any]:
    """Return the key's parked records in order, held against the consumer.

    The consumer's first statement locks the same offset rows: so it cannot park behind a key that is being emptied.
    """
    await connection.execute(
        "SELECT FROM es.consumer_offset WHERE consumer = $1 AND topic = $2 ORDER BY part FOR UPDATE",
        inbox.consumer, topic,
    )  # fmt: skip
    rows: list[Any] = await connection.fetch(
        'SELECT part, "offset", raw_key, headers, value, record_at FROM es.parked '
        'WHERE consumer = $1 AND topic = $2 AND key = $3 ORDER BY part, "offset"',
        inbox.consumer, topic, key,
    )  # fmt: skip
    return rows


def _raw(topic: str, row: Any) -> RawRecord:
    headers: Sequence[tuple[str, bytes]] = msgspec.json.decode(row["headers"], type=list[tuple[str, bytes]])
    return RawRecord(topic, row["part"], row["offset"], row["raw_key"], row["value"], headers, row["record_at"])
