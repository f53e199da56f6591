"""Our log behind the recorder interface of the library `eventsourcing`, so that its own test classes judge it.

The adapter calls `es.append`, `es.claim` and `es.advance` and adds no rule of its own, but for two translations: the
library lets a sequence begin at 0 or 1, our streams begin at 1, so the stream's state keeps where its sequence began;
and a tracking id is an offset: recording id n moves the claimed offset to n + 1 by compare-and-swap.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

_AT: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
_CONSUMER: Final = "recorder"
_APPEND: Final = """SELECT es.append(
    ARRAY(SELECT (u.*)::es.stream_write FROM unnest(%s::text[], %s::text[], %s::text[], %s::smallint[], %s::int[], %s::int[],
      %s::int[], %s::date[], %s::timestamptz[], %s::bytea[]) u),
    ARRAY(SELECT (u.*)::es.event_write FROM unnest(%s::int[], %s::int[], %s::text[], %s::smallint[], %s::timestamptz[],
      %s::bytea[], %s::bytea[]) u), NULL)"""
_SELECT: Final = """SELECT e.version - 1 + s.state_version, e.type, e.data FROM es.event e JOIN es.stream s ON s.no = e.stream_no
    WHERE s.key = %s AND e.version - 1 + s.state_version > %s AND e.version - 1 + s.state_version <= %s
    ORDER BY e.version {order} LIMIT %s"""
_NOTIFICATIONS: Final = """SELECT e.position, s.key, e.version - 1 + s.state_version, e.type, e.data
    FROM es.event e JOIN es.stream s ON s.no = e.stream_no
    WHERE e.position > %s AND e.position <= %s AND (%s::text[] = '{}' OR e.type = ANY(%s::text[]))
    ORDER BY e.position LIMIT %s"""
_ALL: Final = 2**31 - 1


class Place(NamedTuple):
    """One event of a call, with the version that our stream gives it."""

    key: str
    version: int
    event: StoredEvent


class Log:
    """One service's log over psycopg: a connection a thread, closed together at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        self._opened: list[psycopg.Connection[Any]] = []
        self.appended = threading.Condition()

    @property
    def connection(self) -> psycopg.Connection[Any]:
        found: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = psycopg.connect(self._url, autocommit=True)
            self._opened.append(found)
        return found

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def append(self, events: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:
        """Append the events, and move the upstream's offset, in one transaction; the append comes last."""
        try:
            with self.connection.transaction():
                if tracking is not None:
                    self.track(tracking)
                ids = self._append(events) if events else []
        except (psycopg.errors.UniqueViolation, psycopg.DatabaseError) as error:
            if error.sqlstate in ("ES001", "23505"):
                raise IntegrityError(str(error)) from error
            raise
        with self.appended:
            self.appended.notify_all()
        return ids

    def _append(self, events: Sequence[StoredEvent]) -> list[int]:
        placed, origins = self._placed(events)
        keys = list(dict.fromkeys(p.key for p in placed))
        firsts = {key: next(p.version for p in placed if p.key == key) for key in keys}
        lasts = {p.key: p.version for p in placed}
        many, n = len(keys), len(placed)
        row = self.connection.execute(
            _APPEND,
            (
                keys, ["sequence"] * many, keys, [0] * many,
                [firsts[k] - 1 for k in keys], [lasts[k] for k in keys], [origins[k] for k in keys],
                [None] * many, [None] * many, [b""] * many,
                [keys.index(p.key) + 1 for p in placed], [p.version for p in placed],
                [p.event.topic for p in placed], [1] * n, [_AT] * n, [p.event.state for p in placed], [b"{}"] * n,
            ),
        ).fetchone()  # fmt: skip
        assert row is not None
        return list(range(row[0] + 1, row[0] + 1 + n))

    def _placed(self, events: Sequence[StoredEvent]) -> tuple[list[Place], dict[str, int]]:
        keys = list({str(e.originator_id) for e in events})
        rows = self.connection.execute("SELECT key, state_version FROM es.stream WHERE key = ANY(%s)", (keys,))
        origins: dict[str, int] = dict(rows.fetchall())
        placed = []
        for event in events:
            key = str(event.originator_id)
            origin = origins.setdefault(key, event.originator_version)
            placed.append(Place(key, event.originator_version - origin + 1, event))
        return placed, origins

    def select(
        self, originator_id: UUID | str, gt: int | None, lte: int | None, desc: bool, limit: int | None
    ) -> list[StoredEvent]:
        query = _SELECT.format(order="DESC" if desc else "ASC")
        bounds = (str(originator_id), -1 if gt is None else gt, _ALL if lte is None else lte, limit)
        rows: Iterable[Any] = self.connection.execute(query, bounds)
        return [StoredEvent(originator_id, version, topic, bytes(state)) for version, topic, state in rows]

    def notifications(self, after: int, stop: int | None, topics: Sequence[str], limit: int) -> list[Notification]:
        bounds = (after, _ALL if stop is None else stop, list(topics), list(topics), limit)
        rows: Iterable[Any] = self.connection.execute(_NOTIFICATIONS, bounds)
        return [
            Notification(originator_id=UUID(key), originator_version=version, topic=topic, state=bytes(state), id=at)
            for at, key, version, topic, state in rows
        ]

    def head(self) -> int | None:
        row = self.connection.execute("SELECT max(position) FROM es.event").fetchone()
        return None if row is None else row[0]

    def tracked(self, upstream: str) -> int | None:
        """Return the last tracking id: one before the next offset."""
        row = self.connection.execute(
            "SELECT next_offset FROM es.consumer_offset WHERE (consumer, topic, part) = (%s, %s, 0)",
            (_CONSUMER, upstream),
        ).fetchone()
        return row[0] - 1 if row is not None and row[0] > 0 else None

    def track(self, tracking: Tracking) -> None:
        """Move the offset past the id, under a fresh claim.

        Raises:
            IntegrityError: an id as high was recorded before.
        """
        upstream, end = tracking.application_name, tracking.notification_id + 1
        claim = self.connection.execute(
            "SELECT next_offset, epoch FROM es.claim(%s, %s::text[], '{0}', 'test')", (_CONSUMER, [upstream])
        ).fetchone()
        assert claim is not None
        start, epoch = claim
        moved = self.connection.execute(
            "SELECT topic FROM es.advance(%s, %s::text[], '{0}', %s::bigint[], %s::bigint[], %s::bigint[])",
            (_CONSUMER, [upstream], [epoch], [start], [end]),
        ).fetchone()
        if moved is None or end == start:
            raise IntegrityError(f"{upstream} was applied up to {start - 1}, so {end - 1} comes too late")


class Aggregates(AggregateRecorder):
    """Sequences of aggregates."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self.log.append(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        return self.log.select(originator_id, gt, lte, desc, limit)


class Application(Aggregates, ApplicationRecorder):
    """Sequences of aggregates, and the one sequence of all."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        return self.log.append(stored_events, kwargs.get("tracking"))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        return self.log.notifications(after, stop, topics, limit)

    def max_notification_id(self) -> int | None:
        return self.log.head()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return Following(self, gt, topics)


class Following(Subscription["Application"]):
    """Reads on by position; at the end it waits until somebody appends."""

    def __next__(self) -> Notification:
        log = self._recorder.log
        while not self._has_been_stopped:
            with log.appended:
                found = log.notifications(self._last_notification_id or 0, None, self._topics, 1)
                if found:
                    self._last_notification_id = found[0].id
                    return found[0]
                log.appended.wait(1)
        raise StopIteration


class Tracked(TrackingRecorder):
    """How far each upstream was applied."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def insert_tracking(self, tracking: Tracking) -> None:
        self.log.append([], tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        return self.log.tracked(application_name)


class Process(Tracked, Application, ProcessRecorder):
    """Effects and the upstream's offset in one transaction."""
