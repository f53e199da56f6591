"""Waking streams: at the close of a business day, and at an instant.

A stream says in its own state when it next has something to decide (Decider.wakes_on, wakes_at); the date stands indexed
beside the state. So closing a day touches only the streams that cross a threshold, a wake-up can be neither lost nor
doubled, and a rebuilt state has its wake-ups again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import structlog

from arrears.database import Connection
from arrears.decider import Decider, StreamRef
from arrears.eventstore.work import Work
from arrears.transient import is_transient

PAGE: Final = 2_000
_log = structlog.get_logger()

_DUE_ON: Final = """SELECT s.key, s.kind, s.debtor_id, s.part FROM es.stream s
    WHERE s.part = ANY($1::smallint[]) AND s.wake_on <= $2 AND s.kind = ANY($3::text[]) AND NOT s.key = ANY($4::text[])
      AND NOT EXISTS (SELECT FROM es.parked p WHERE p.debtor_id = s.debtor_id)
    ORDER BY s.wake_on, s.no LIMIT $5"""
_DUE_AT: Final = """SELECT s.key, s.kind, s.debtor_id, s.part FROM es.stream s
    WHERE s.wake_at <= $1 AND s.kind = ANY($2::text[]) AND NOT s.key = ANY($3::text[])
      AND NOT EXISTS (SELECT FROM es.parked p WHERE p.debtor_id = s.debtor_id)
    ORDER BY s.wake_at, s.no LIMIT $4"""


@dataclass(frozen=True, slots=True)
class Wake:
    """A stream that is due: at the close of business day `on`, or at the instant `at`."""

    ref_id: str
    key: str
    debtor_id: str
    partition: int
    on: date | None = None
    at: datetime | None = None


Wakened = Callable[[Wake, Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DayRule:
    """What a stream of `decider` does at the close of a day that it waited for.

    What `handle` executes must move the stream's `wakes_on` past the day. A debtor whose key is parked is not woken.
    """

    decider: Decider[Any, Any]
    handle: Wakened
    touches: Callable[[Wake], Iterable[StreamRef[Any, Any]]] | None = None


@dataclass(frozen=True, slots=True)
class InstantRule:
    """What a stream of `decider` does at an instant that it waited for; `wakes_at` must move past it."""

    decider: Decider[Any, Any]
    handle: Wakened
    touches: Callable[[Wake], Iterable[StreamRef[Any, Any]]] | None = None


async def wake_day(
    connection: Connection,
    work: Work,
    rules: Sequence[DayRule],
    parts: Sequence[int],
    on: date,
    stuck: set[str],
    limit: int = PAGE,
) -> int:
    """Wake up to `limit` streams of the partitions that wait for a day up to `on`; the caller appends `work`.

    A stream whose rule fails or does not move it on is reported, added to `stuck` and left for a later day.
    """
    by_kind = {rule.decider.name: rule for rule in rules}
    rows = await connection.fetch(_DUE_ON, list(parts), on, list(by_kind), list(stuck), limit) if by_kind else []
    wakes = [(by_kind[r["kind"]], Wake(_id(r), r["key"], r["debtor_id"], r["part"], on=on)) for r in rows]
    await _wake(work, wakes, stuck)
    return len(rows)


async def wake_instants(
    connection: Connection, work: Work, rules: Sequence[InstantRule], at: datetime, stuck: set[str]
) -> int:
    """Wake the streams that wait for an instant up to `at`; the caller appends `work`."""
    by_kind = {rule.decider.name: rule for rule in rules}
    rows = await connection.fetch(_DUE_AT, at, list(by_kind), list(stuck), PAGE) if by_kind else []
    wakes = [(by_kind[r["kind"]], Wake(_id(r), r["key"], r["debtor_id"], r["part"], at=at)) for r in rows]
    await _wake(work, wakes, stuck)
    return len(rows)


def _id(row: Any) -> str:
    return str(row["key"])[len(row["kind"]) + 1 :]


async def _wake(work: Work, wakes: Sequence[tuple[DayRule | InstantRule, Wake]], stuck: set[str]) -> None:
    own = [StreamRef(rule.decider, wake.ref_id, wake.debtor_id, wake.partition) for rule, wake in wakes]
    further = [ref for rule, wake in wakes if rule.touches is not None for ref in rule.touches(wake)]
    await work.load([*own, *further])
    for (rule, wake), ref in zip(wakes, own, strict=True):
        work.mark()
        if not _is_due(rule, wake, await work.state(ref)):
            continue  # between the look at the index and the load of the state another replica, or this work, saw to it
        try:
            await rule.handle(wake, work)
            if _is_due(rule, wake, await work.state(ref)):
                raise RuntimeError(f"{wake.key} would be woken again for the same moment")
        except Exception as error:
            if is_transient(error):
                raise
            work.undo()
            stuck.add(wake.key)
            _log.error("wake failed", stream=wake.key, on=str(wake.on or wake.at), error=repr(error))


def _is_due(rule: DayRule | InstantRule, wake: Wake, state: Any) -> bool:
    next_on, next_at = rule.decider.wakes_on(state), rule.decider.wakes_at(state)
    return bool((wake.on and next_on and next_on <= wake.on) or (wake.at and next_at and next_at <= wake.at))
