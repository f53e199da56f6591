"""Rebuild a projection beside the live one, compare at one moment, and swap. Readers never see a half-built table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from arrears.database import Connection
from arrears.kafka.cloudevents import is_heartbeat
from arrears.kafka.consumer import raw_record
from arrears.projections import Projection, create_generation, create_indexes, show
from arrears.recorded import Recorded
from arrears.runtime import Runtime

_PAGE: Final = 5_000

Progress = Callable[[int, int], None]  # records and events read so far, and how many there are to read


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome: rows and checksum of the former and the new generation at equal position, and whether it was swapped in."""

    name: str
    events: int
    old_gen: int
    new_gen: int
    old_rows: int
    new_rows: int
    old_checksum: str
    new_checksum: str
    swapped: bool

    @property
    def equal(self) -> bool:
        """Whether both generations hold the same rows."""
        return (self.old_rows, self.old_checksum) == (self.new_rows, self.new_checksum)


async def rebuild(runtime: Runtime, name: str, progress: Progress, *, swap: bool = True) -> Rebuilt:
    """Fold the whole log into a new generation; with `swap` it becomes the live one, otherwise it is dropped.

    Raises:
        LookupError: the service has no projection of that name.
    """
    projection = next((p for p in runtime.definition.projections if p.name == name), None)
    if projection is None:
        known = ", ".join(p.name for p in runtime.definition.projections)
        raise LookupError(f"{runtime.service} has no projection {name!r}; it has: {known}")
    async with runtime.database.transaction() as connection:
        gen = await create_generation(connection, projection, "building")
    builder = _Builder(runtime, projection, gen, progress)
    try:
        await builder.own_events()
        await builder.foreign_events(await builder.live_offsets())
        await builder.indexes()
        return await builder.finish(swap)
    except BaseException:
        async with runtime.database.transaction() as connection:
            await _drop(connection, projection, gen)
        raise
    finally:
        await builder.close()


class _Builder:
    """One rebuild on its way."""

    def __init__(self, runtime: Runtime, projection: Projection, gen: int, progress: Progress) -> None:
        self._runtime = runtime
        self._projection = projection
        self._gen = gen
        self._progress = progress
        self._position = 0
        self._offsets: dict[tuple[str, int], int] = {}
        self._seen: dict[tuple[str, str], int] = {}
        self._seen_ids: set[str] = set()
        self._held: dict[tuple[str, int, int], tuple[Recorded, ...]] = {}  # passed over, because parked
        self._kafka: Any = None
        self._done = 0
        self._total = 0

    async def own_events(self) -> None:
        """Fold the own log up to where the live generation is: not further, so that both can be compared."""
        async with self._runtime.database.connection() as connection:
            end = (await _live(connection, self._projection))["position"]
        self._total += end
        while self._position < end:
            async with self._runtime.database.transaction() as connection:
                await self._own_page(connection, end)

    async def indexes(self) -> None:
        """Create the indexes that were left out while the table filled, before readers and writers have to wait."""
        if self._projection.only_inserts:
            async with self._runtime.database.transaction() as connection:
                await create_indexes(connection, self._projection, self._gen)

    async def _own_page(self, connection: Connection, end: int) -> None:
        page = min(_PAGE, end - self._position)
        events = await self._runtime.store.read(connection, self._position, page)
        await self._projection.apply(connection, self._gen, events)
        self._position = events[-1].position
        self._count(len(events))

    async def live_offsets(self, connection: Connection | None = None) -> dict[tuple[str, int], int]:
        """Return up to which offsets the live generation holds the foreign topics."""
        query = "SELECT topic, part, next_offset FROM es.consumer_offset WHERE consumer = $1"
        if connection is not None:
            rows = await connection.fetch(query, self._runtime.service)
        else:
            async with self._runtime.database.connection() as own:
                rows = await own.fetch(query, self._runtime.service)
        wanted = {s.topic for s in self._runtime.definition.sources if s.follows in self._projection.follows}
        return {(r["topic"], r["part"]): r["next_offset"] for r in rows if r["topic"] in wanted}

    async def foreign_events(self, until: dict[tuple[str, int], int], connection: Connection | None = None) -> None:
        """Fold the topics from where this rebuild is up to the given offsets."""
        parked = await self._parked(connection)
        # What was parked when it was passed and has been redriven since comes before what followed it in its key.
        await self._apply(self._redriven(parked), connection)
        left = {place: end for place, end in until.items() if self._offsets.get(place, 0) < end}
        if not left:
            return
        self._total += sum(end - self._offsets.get(place, 0) for place, end in left.items())
        kafka = await self._reader()
        kafka.assign([TopicPartition(*place) for place in left])
        for place in left:
            kafka.seek(TopicPartition(*place), self._offsets.get(place, 0))
        while left:
            found = await kafka.getmany(timeout_ms=500, max_records=_PAGE)
            events: list[Recorded] = []
            for tp, records in found.items():
                place = (tp.topic, tp.partition)
                end = left.get(place, 0)
                events += self._fresh([r for r in records if r.offset < end], parked)
                self._offsets[place] = max(self._offsets.get(place, 0), min(end, records[-1].offset + 1))
                if self._offsets[place] >= end:
                    left.pop(place, None)
                    kafka.pause(tp)
            await self._apply(events, connection)

    def _fresh(self, records: Sequence[Any], parked: set[tuple[str, int, int]]) -> list[Recorded]:
        events: list[Recorded] = []
        for record in records:
            raw = raw_record(record)
            place = (raw.topic, raw.partition, raw.offset)
            if is_heartbeat(raw):
                continue
            decoded = self._runtime.inbox.decode(raw).events
            if place in parked:
                self._held[place] = decoded
            else:
                events += self._unseen(decoded)
        return events

    def _redriven(self, parked: set[tuple[str, int, int]]) -> list[Recorded]:
        places = sorted(place for place in self._held if place not in parked)
        return [event for place in places for event in self._unseen(self._held.pop(place))]

    def _unseen(self, decoded: Sequence[Recorded]) -> list[Recorded]:
        """Return what the live generation took too: each version, or each id of a foreign topic, once."""
        fresh = []
        for event in decoded:
            stream = (event.source, event.stream_key)
            if event.source not in self._projection.follows:
                continue
            if event.version == 0 and event.event_id not in self._seen_ids:
                self._seen_ids.add(event.event_id)
                fresh.append(event)
            elif event.version > self._seen.get(stream, 0):
                self._seen[stream] = event.version
                fresh.append(event)
        return fresh

    async def _parked(self, connection: Connection | None) -> set[tuple[str, int, int]]:
        query = 'SELECT topic, part, "offset" FROM es.parked WHERE consumer = $1'
        if connection is not None:
            rows = await connection.fetch(query, self._runtime.service)
        else:
            async with self._runtime.database.connection() as own:
                rows = await own.fetch(query, self._runtime.service)
        return {(r["topic"], r["part"], r["offset"]) for r in rows}

    async def _apply(self, events: list[Recorded], connection: Connection | None) -> None:
        if not events:
            return
        if connection is not None:
            await self._projection.apply(connection, self._gen, events)
        else:
            async with self._runtime.database.transaction() as own:
                await self._projection.apply(own, self._gen, events)
        self._count(len(events))

    def _count(self, events: int) -> None:
        self._done += events
        self._progress(self._position + sum(self._offsets.values()), self._total)

    async def _reader(self) -> Any:
        if self._kafka is None:
            self._kafka = AIOKafkaConsumer(
                bootstrap_servers=self._runtime.settings.kafka, auto_offset_reset="none", enable_auto_commit=False,
                max_partition_fetch_bytes=9 * 1024 * 1024,
            )  # fmt: skip
            await self._kafka.start()
        return self._kafka

    async def finish(self, swap: bool) -> Rebuilt:
        """Fold the rest while the live generation stands still, compare, and swap."""
        projection, gen = self._projection, self._gen
        async with self._runtime.database.transaction() as connection:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '120s'")
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('es.swap'))")
            live = await _live(connection, projection)
            self._total += max(0, live["position"] - self._position)
            while self._position < live["position"]:
                await self._own_page(connection, live["position"])
            await self.foreign_events(await self.live_offsets(connection), connection)
            old, new = await _sum(connection, projection, live["gen"]), await _sum(connection, projection, gen)
            if swap:
                await connection.execute(
                    "UPDATE es.projection SET status = 'retired' WHERE name = $1 AND gen = $2",
                    projection.name,
                    live["gen"],
                )
                await connection.execute(
                    "UPDATE es.projection SET status = 'live', position = $3 WHERE name = $1 AND gen = $2",
                    projection.name, gen, self._position,
                )  # fmt: skip
                await show(connection, projection, gen)
                await connection.execute(f"DROP TABLE {projection.table(live['gen'])}")
            else:
                await _drop(connection, projection, gen)
        return Rebuilt(projection.name, self._done, live["gen"], gen, old[0], new[0], old[1], new[1], swap)

    async def close(self) -> None:
        """Leave the broker."""
        if self._kafka is not None:
            await self._kafka.stop()


async def _live(connection: Connection, projection: Projection) -> Any:
    return await connection.fetchrow(
        "SELECT gen, position FROM es.projection WHERE name = $1 AND status = 'live'", projection.name
    )


async def _sum(connection: Connection, projection: Projection, gen: int) -> tuple[int, str]:
    row = await connection.fetchrow(
        f"SELECT count(*) AS n, coalesce(md5(string_agg(md5(t::text), '' ORDER BY {projection.order_by})), '') AS sum "
        f"FROM {projection.table(gen)} t"
    )
    return row["n"], row["sum"]


async def _drop(connection: Connection, projection: Projection, gen: int) -> None:
    await connection.execute(f"DROP TABLE IF EXISTS {projection.table(gen)}")
    await connection.execute("DELETE FROM es.projection WHERE name = $1 AND gen = $2", projection.name, gen)
