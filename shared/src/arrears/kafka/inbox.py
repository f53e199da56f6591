"""Apply a batch of records with exactly-once effect: offsets, dedupe, decisions, read models, appended events, one commit.

Why it holds: effects and `next_offset` are one transaction, and the offset moves by compare-and-swap under the row's
lock, so each offset interval is applied by exactly one committed transaction, whatever the consumer group does. A
duplicate with a new offset (the relay sent twice) is seen by its stream version, which also proves that nothing is
missing in between.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from arrears.database import Connection
from arrears.events.registry import UnknownEvent
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.kafka.cloudevents import Heartbeat, RawRecord, is_heartbeat
from arrears.kafka.sources import Source, Subscription
from arrears.projections import Projection, apply_foreign
from arrears.recorded import Recorded
from arrears.refusals import Refusal
from arrears.transient import is_transient

_log = structlog.get_logger()
_heartbeats: Final = msgspec.json.Decoder(Heartbeat)

_ADVANCE: Final = (
    "SELECT topic, part FROM es.advance($1, $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])"
)
_SEEN: Final = """SELECT s.source, s.stream_key, s.version FROM es.seen_version s
    JOIN unnest($2::text[], $3::text[]) u(source, stream_key) USING (source, stream_key) WHERE s.consumer = $1"""
_SEE: Final = """INSERT INTO es.seen_version (consumer, source, stream_key, version)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::int[])
    ON CONFLICT (consumer, source, stream_key) DO UPDATE SET version = excluded.version"""
_SEE_ID: Final = """INSERT INTO es.seen_id (consumer, source, id) SELECT DISTINCT $1, * FROM unnest($2::text[], $3::text[])
    ON CONFLICT DO NOTHING RETURNING source, id"""
_FEED: Final = """INSERT INTO es.feed AS f (consumer, source, part, as_of)
    SELECT $1, * FROM unnest($2::text[], $3::int[], $4::timestamptz[])
    ON CONFLICT (consumer, source, part) DO UPDATE SET as_of = greatest(f.as_of, excluded.as_of)"""
_FEEDS: Final = "SELECT source, part, as_of FROM es.feed WHERE consumer = $1"
_FRESH: Final = "SELECT count(*) FROM es.feed WHERE consumer = $1 AND source = ANY($2::text[]) AND as_of >= $3"
_FEED_LATE: Final = timedelta(seconds=20)  # two heartbeats
_PARK: Final = """INSERT INTO es.parked (consumer, topic, part, "offset", key, debtor_id, raw_key, headers, value, reason, error, record_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING"""


class PartitionsLost(Exception):
    """Another replica has claimed some of the partitions; nothing of them was applied here."""

    def __init__(self, lost: set[tuple[str, int]]) -> None:
        super().__init__(str(sorted(lost)))
        self.lost = lost


class LogTruncated(Exception):
    """A stream's next event is missing in the topic: events were lost or removed, and going on would hide it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition, and the claim under which they may be applied."""

    topic: str
    part: int
    epoch: int
    start: int
    end: int
    records: tuple[RawRecord, ...]


class Item(msgspec.Struct):
    """One record on its way: its events, or why it cannot be applied."""

    raw: RawRecord
    events: tuple[Recorded, ...] = ()
    reason: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        """The key under which the record parks."""
        return self.raw.key_text


@dataclass(slots=True)
class Effects:
    """What a batch turned out to be."""

    applied: list[Recorded] = field(default_factory=list)
    parked: list[Item] = field(default_factory=list)
    duplicates: int = 0


class Inbox:
    """The record side of one service's consumer: from decoded records to committed effects."""

    def __init__(
        self, consumer: str, store: EventStore, sources: Iterable[Source], subscriptions: Iterable[Subscription],
        projections: Sequence[Projection],
    ) -> None:  # fmt: skip
        self.consumer = consumer
        self.store = store
        self.sources = {source.topic: source for source in sources}
        self._projections = [p for p in projections if p.follows - {store.service}]
        self._subscriptions: dict[type, list[Subscription]] = {}
        for subscription in subscriptions:
            self._subscriptions.setdefault(subscription.event, []).append(subscription)

    def decode(self, raw: RawRecord) -> Item:
        """Return the record's events, or the reason why it must be parked. Pure, so whatever it raises is the record's."""
        item = Item(raw)
        try:
            item.events = self.sources[raw.topic].decode(raw)
        except Exception as error:
            item.reason = "unknown_type" if isinstance(error, UnknownEvent) else "invalid"
            item.error = str(error) if isinstance(error, ValueError) else repr(error)
        return item

    async def advance(self, connection: Connection, slices: Sequence[Slice], *, stay: bool = False) -> None:
        """Move the offsets of the slices, or with `stay` only make sure that the claims still hold.

        Raises:
            PartitionsLost: a claim is void.
        """
        rows = await connection.fetch(
            _ADVANCE, self.consumer, [s.topic for s in slices], [s.part for s in slices], [s.epoch for s in slices],
            [s.start for s in slices], [s.start if stay else s.end for s in slices],
        )  # fmt: skip
        if len(rows) < len(slices):
            held = {(row["topic"], row["part"]) for row in rows}
            raise PartitionsLost({(s.topic, s.part) for s in slices} - held)

    async def apply(self, connection: Connection, slices: Sequence[Slice], now: datetime) -> Effects:
        """Apply the slices in the caller's transaction; the append is its last statement.

        Raises:
            PartitionsLost, LogTruncated, StreamVersionConflict: the transaction is void.
        """
        await self.advance(connection, slices)
        beats: list[RawRecord] = []
        items: list[Item] = []
        for s in slices:
            for record in s.records:
                if is_heartbeat(record):
                    beats.append(record)
                else:
                    items.append(self.decode(record))
        return await self.take(connection, items, now, beats)

    async def take(
        self,
        connection: Connection,
        items: Sequence[Item],
        now: datetime,
        beats: Sequence[RawRecord] = (),
        held: bool = True,
    ) -> Effects:
        """Decide, project and append what the items cause; park what cannot be applied, and everything behind it.

        `held` is False when a person redrives parked records: then their own rows do not hold them back.
        """
        effects = Effects()
        keys = await self.parked_keys(connection) if held else set()
        fresh = await self._dedupe(connection, [item for item in items if not item.reason], keys, effects)
        work = await self._prepare(connection, fresh, now)
        left = dict(fresh) if effects.duplicates else {}  # what comes twice in a batch is applied at its first place
        for item in items:
            if not item.reason and keys and (item.raw.topic, item.key) in keys:
                item.reason, item.error = "behind", "an earlier record of this key is parked"
            elif not item.reason:
                if effects.duplicates:
                    item.events = tuple([e for e in item.events if left.pop(e.event_id, None) is not None])
                if self._subscriptions:
                    await self._decide(item, work)
            if item.reason:
                keys.add((item.raw.topic, item.key))
                effects.parked.append(item)
            else:
                effects.applied.extend(item.events)
        await self._keep_versions(connection, effects.applied)
        await self._forget_ids(connection, effects, fresh)
        await apply_foreign(connection, self._projections, effects.applied)
        await self._keep_feeds(connection, effects.applied, beats)
        await self._park(connection, effects.parked)
        await self.store.append(connection, [work])
        return effects

    async def parked_keys(self, connection: Connection) -> set[tuple[str, str]]:
        """Return topic and key of everything parked."""
        rows = await connection.fetch("SELECT DISTINCT topic, key FROM es.parked WHERE consumer = $1", self.consumer)
        return {(row["topic"], row["key"]) for row in rows}

    async def _dedupe(
        self, connection: Connection, items: Sequence[Item], parked: set[tuple[str, str]], effects: Effects
    ) -> dict[str, Recorded]:
        """Return the events not seen before, by id."""
        versioned: list[Recorded] = []
        foreign: list[Recorded] = []
        for item in items:
            if not parked or (item.raw.topic, item.key) not in parked:
                (versioned if self.sources[item.raw.topic].versioned else foreign).extend(item.events)
        fresh: dict[str, Recorded] = {}
        if versioned:
            streams = {(e.source, e.stream_key) for e in versioned}
            rows = await connection.fetch(_SEEN, self.consumer, [s for s, _ in streams], [k for _, k in streams])
            seen = {(row["source"], row["stream_key"]): row["version"] for row in rows}
            for event in versioned:
                stream = (event.source, event.stream_key)
                last = seen.get(stream, 0)
                if event.version > last + 1:
                    raise LogTruncated(f"{event.event_id}: {event.stream_key} goes from {last} to {event.version}")
                if event.version == last + 1:
                    seen[stream] = event.version
                    fresh[event.event_id] = event
        if foreign:
            rows = await connection.fetch(
                _SEE_ID, self.consumer, [e.source for e in foreign], [e.event_id for e in foreign]
            )
            unseen = {row["id"] for row in rows}
            fresh.update((e.event_id, e) for e in foreign if e.event_id in unseen)
        effects.duplicates = len(versioned) + len(foreign) - len(fresh)
        return fresh

    async def _prepare(self, connection: Connection, fresh: dict[str, Recorded], now: datetime) -> Work:
        for source in self.sources.values():
            if source.prepare is not None:
                mine = [e for e in fresh.values() if e.source == source.topic]
                if mine:
                    await source.prepare(connection, mine)
        work = self.store.work(now, connection)
        work.feeds = await self.feeds(connection)
        refs = [
            ref
            for event in fresh.values()
            for subscription in self._subscriptions.get(type(event.data), ())
            if subscription.touches is not None
            for ref in subscription.touches(event)
        ]
        await work.load(refs)
        return work

    async def feeds(self, connection: Connection) -> dict[tuple[str, int], datetime]:
        """Return how fresh each publisher's facts are, by publisher and partition."""
        if not any(source.versioned for source in self.sources.values()):
            return {}
        return {(r["source"], r["part"]): r["as_of"] for r in await connection.fetch(_FEEDS, self.consumer)}

    async def feeds_behind(self, connection: Connection, now: datetime) -> int:
        """Return in how many partitions a publisher was last heard two heartbeats or more before `now`."""
        publishers = [source.follows for source in self.sources.values() if source.versioned]
        if not publishers:
            return 0
        fresh: int = await connection.fetchval(_FRESH, self.consumer, publishers, now - _FEED_LATE)
        return len(publishers) * self.store.partitions - fresh

    async def _decide(self, item: Item, work: Work) -> None:
        work.mark()
        try:
            for event in item.events:
                for subscription in self._subscriptions.get(type(event.data), ()):
                    await subscription.handle(event, work)
        except Exception as error:
            if is_transient(error):
                raise
            work.undo()
            item.reason = error.code if isinstance(error, Refusal) else "handler_error"
            item.error = (
                str(error) if isinstance(error, Refusal) else "".join(traceback.format_exception(error))[-4_000:]
            )

    async def _forget_ids(self, connection: Connection, effects: Effects, fresh: dict[str, Recorded]) -> None:
        """A parked foreign record has not been applied, so its id must not count as seen when it is redriven."""
        seen = {e.event_id for i in effects.parked for e in i.events if not e.version and e.event_id in fresh}
        ids = list(seen - {e.event_id for e in effects.applied}) if seen else []
        if ids:
            await connection.execute(
                "DELETE FROM es.seen_id WHERE consumer = $1 AND id = ANY($2::text[])", self.consumer, ids
            )

    async def _keep_versions(self, connection: Connection, applied: Sequence[Recorded]) -> None:
        last = {(e.source, e.stream_key): e.version for e in applied if e.version}
        if last:
            await connection.execute(
                _SEE, self.consumer, [s for s, _ in last], [k for _, k in last], list(last.values())
            )

    async def _keep_feeds(
        self, connection: Connection, applied: Sequence[Recorded], beats: Sequence[RawRecord]
    ) -> None:
        latest: dict[tuple[str, int], datetime] = {}
        for event in applied:
            if event.version:
                latest[event.source, event.partition] = event.recorded_at
        for raw in beats:
            beat = _heartbeats.decode(raw.value or b"")
            latest[beat.source, raw.partition] = max(beat.at, latest.get((beat.source, raw.partition), beat.at))
        if latest:
            await connection.execute(
                _FEED, self.consumer, [s for s, _ in latest], [p for _, p in latest], list(latest.values())
            )

    async def _park(self, connection: Connection, items: Sequence[Item]) -> None:
        for item in items:
            raw, debtor_of = item.raw, self.sources[item.raw.topic].debtor_of
            _log.warning("parked", topic=raw.topic, partition=raw.partition, offset=raw.offset, reason=item.reason)
            await connection.execute(
                _PARK, self.consumer, raw.topic, raw.partition, raw.offset, item.key,
                debtor_of(item.key) if debtor_of else None, raw.key,
                msgspec.json.encode([(name, value) for name, value in raw.headers]), raw.value, item.reason,
                item.error.replace("\x00", "\\x00"), raw.at,
            )  # fmt: skip
