"""Load and append on one service's log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from arrears.database import Connection, Database
from arrears.decider import Decider
from arrears.events.registry import decode
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.work import Stream, Work, encode_state
from arrears.failpoints import failpoint
from arrears.recorded import Recorded, decode_meta

_CONFLICT: Final = "ES001"

_LOAD: Final = "SELECT key, kind, no, version, state_version, state FROM es.stream WHERE key = ANY($1::text[])"
_FOLD: Final = """SELECT stream_no, type, schema_version, data FROM es.event
                   WHERE stream_no = ANY($1::bigint[]) ORDER BY stream_no, version"""
_APPEND: Final = """SELECT es.append($1::es.stream_write[], $2::es.event_write[], $3,
    $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::int[], $9::int[])"""
_READ: Final = """SELECT e.position, s.key, e.version, s.debtor_id, s.part, e.type, e.schema_version, e.occurred_at,
    e.recorded_at, e.data, e.meta FROM es.event e JOIN es.stream s ON s.no = e.stream_no
    WHERE e.position > $1 ORDER BY e.position LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Answered:
    """A command's answer to be stored with its events: principal, idempotency key, fingerprint, response."""

    principal: str
    key: str
    fingerprint: bytes
    response: bytes


class EventStore:
    """The log of one service.

    Guarantees: an append is all or nothing; positions are dense and in commit order; two appends that expect the same
    version of a stream cannot both succeed; an idempotency key is answered once.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        *,
        partitions: int,
        deciders: Iterable[Decider[Any, Any]],
        virtual: bool = False,
    ) -> None:
        self.service = service
        self.database = database
        self.partitions = partitions
        self.deciders = {decider.name: decider for decider in deciders}
        self.virtual = virtual  # a virtual clock also says when an event was recorded

    def work(self, now: datetime, connection: Connection | None = None) -> Work:
        """Return an empty unit of work that loads through `connection`, or through the pool."""

        async def fetch(keys: list[str]) -> dict[str, Any]:
            if connection is not None:
                return await self._fetch(connection, keys)
            async with self.database.connection() as pooled:
                return await self._fetch(pooled, keys)

        return Work(self.service, self.partitions, now, fetch)

    async def _fetch(self, connection: Connection, keys: list[str]) -> dict[str, Any]:
        rows = await connection.fetch(_LOAD, keys)
        stale = [row["no"] for row in rows if row["state_version"] != self.deciders[row["kind"]].state_version]
        events: dict[int, list[tuple[str, int, bytes]]] = {no: [] for no in stale}
        for no, name, version, data in await connection.fetch(_FOLD, stale) if stale else ():
            events[no].append((name, version, data))
        return {row["key"]: (row["version"], row["state_version"], row["state"], events.get(row["no"])) for row in rows}

    async def append(
        self, connection: Connection, works: Sequence[Work], answers: Sequence[Answered | None] = ()
    ) -> int:
        """Append what `works` decided, in their order, and return the position before the first event.

        It must be the last statement of its transaction: the log's lock is held from here to COMMIT. Events of works[i]
        take the positions after those of works[i-1].

        Raises:
            StreamVersionConflict: a touched stream has moved on, or an idempotency key was answered meanwhile; the
                transaction is void.
        """
        touched = [(work, stream) for work in works for stream in work.touched()]
        if not touched and not any(answers):
            return 0
        failpoint("append.before")
        try:
            base: int = await connection.fetchval(_APPEND, *_arguments(works, touched, answers, self.virtual))
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
            raise StreamVersionConflict(str(error)) from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == _CONFLICT:
                raise StreamVersionConflict(str(error)) from error
            raise
        failpoint("append.after")
        return base

    async def read_rows(self, connection: Connection, after: int, limit: int) -> list[Any]:
        """Return the rows after position `after` undecoded, in order: position, stream_key, version, debtor_id,
        partition, type, schema_version, occurred_at, recorded_at, data, meta."""
        rows: list[Any] = await connection.fetch(_READ, after, limit)
        return rows

    async def read(self, connection: Connection, after: int, limit: int) -> list[Recorded]:
        """Return the events after position `after`, at most `limit`, in order; complete, by the log's invariant."""
        return [self._recorded(row) for row in await self.read_rows(connection, after, limit)]

    def _recorded(self, row: Any) -> Recorded:
        position, key, version, debtor, part, name, schema, occurred, recorded, data, meta = row
        return Recorded(
            self.service, position, f"{self.service}/{position}", key, version, debtor, part, name, schema,
            occurred, recorded, decode_meta(meta), data, meta, decode(self.service, name, schema, data),
        )  # fmt: skip


def _arguments(
    works: Sequence[Work], touched: list[tuple[Work, Stream]], answers: Sequence[Answered | None], virtual: bool
) -> tuple[Any, ...]:
    place = {stream.ref.key: i for i, (_, stream) in enumerate(touched, start=1)}
    pending = [event for work in works for event in work.pending]
    firsts, first = [], 1
    for work in works:
        firsts.append(first)
        first += len(work.pending)
    answered = [(a, firsts[i], len(works[i].pending)) for i, a in enumerate(answers) if a is not None]
    return (
        [_stream_write(work, stream) for work, stream in touched],
        [
            (place[e.stream_key], e.version, e.type_name, e.schema_version, e.occurred_at, e.data, e.meta)
            for e in pending
        ],
        works[0].now if virtual else None,
        [a.principal for a, _, _ in answered],
        [a.key for a, _, _ in answered],
        [a.fingerprint for a, _, _ in answered],
        [a.response for a, _, _ in answered],
        [f for _, f, _ in answered],
        [n for _, _, n in answered],
    )


def _stream_write(work: Work, stream: Stream) -> tuple[Any, ...]:
    ref, state = stream.ref, stream.state
    decider = ref.decider
    return (
        ref.key, decider.name, ref.debtor_id, work.partition(ref), stream.stored_version, stream.version,
        decider.state_version, decider.wakes_on(state), decider.wakes_at(state), encode_state(state),
    )  # fmt: skip
