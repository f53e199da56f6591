"""The consumer of one service: claims partitions, takes batches, and hands them to the inbox in the right order.

Kafka's group decides who reads what; the claim in the database decides who may write. Offsets live in the database;
Kafka is told them every few seconds only so that lag tools work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from arrears.clock import Clock
from arrears.events.ingest import BusinessDayClosed
from arrears.events.registry import type_of
from arrears.eventstore.errors import StreamVersionConflict
from arrears.failpoints import failpoint
from arrears.followers import forever
from arrears.kafka.batches import Batches
from arrears.kafka.cloudevents import RawRecord
from arrears.kafka.inbox import Effects, Inbox, PartitionsLost, Slice
from arrears.signal import Signal
from arrears.transient import is_transient
from arrears.wakes import PAGE, DayRule, wake_day

_log = structlog.get_logger()
_DAY: Final = type_of(BusinessDayClosed).wire_name.encode()
_SMALLEST: Final = 50
_FETCH_BYTES: Final = 9 * 1024 * 1024  # one 5 MB record must fit, or the partition would stand still


@dataclass(slots=True)
class Claim:
    """A partition held here: the epoch of the claim and the next offset to apply."""

    epoch: int
    next_offset: int


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads a service's topics and applies them through its inbox."""

    def __init__(
        self, inbox: Inbox, day_rules: Sequence[DayRule], clock: Clock, appended: Signal, bootstrap: str, owner: str,
        *, batch: int = 8_000, batches: Batches | None = None, instance: str = "",
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._rules = day_rules
        self._clock = clock
        self._appended = appended
        self._bootstrap = bootstrap
        self._owner = owner
        self._batch = batch
        self._limit = batch
        # A named member that was killed takes its partitions back when it returns, without waiting for a session timeout.
        self._instance = instance or None
        self._batches = batches or Batches(inbox.consumer)
        self._claims: dict[tuple[str, int], Claim] = {}
        self._busy = asyncio.Lock()
        self._claiming = asyncio.Lock()
        self._kafka: Any = None
        self._told = 0.0

    async def run(self) -> None:
        """Consume until cancelled."""
        try:
            await forever(f"{self._inbox.consumer}-consumer", self._session)
        finally:
            await self._stop()

    async def _session(self) -> None:
        self._kafka = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=self._inbox.consumer, group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="none", max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_bytes=4 * _FETCH_BYTES,
            session_timeout_ms=10_000, heartbeat_interval_ms=2_000, max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000, fetch_max_wait_ms=500,
        )  # fmt: skip
        self._kafka.subscribe(list(self._inbox.sources), listener=self)
        try:
            await self._kafka.start()
            while True:
                await self._turn()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        kafka, self._kafka = self._kafka, None
        self._claims.clear()
        if kafka is not None:
            await kafka.stop()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Claim what the group gave us and start where the database says."""
        await self._claim(assigned)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let the running batch end, then forget the partitions."""
        async with self._busy:
            for tp in revoked:
                self._claims.pop((tp.topic, tp.partition), None)

    async def _claim(self, partitions: set[TopicPartition]) -> None:
        """Claim what is not held yet. The group's callback and our own turn both see a new assignment, and one claims it.

        What is held is sought all the same: a new assignment has forgotten where it stood.
        """
        async with self._claiming:
            if self._kafka is None:
                return
            held = {p for p in partitions if (p.topic, p.partition) in self._claims}
            for place in held:
                self._kafka.seek(place, self._claims[place.topic, place.partition].next_offset)
            await self._claim_unclaimed(partitions - held)

    async def _claim_unclaimed(self, partitions: set[TopicPartition]) -> None:
        if not partitions:
            return
        async with self._inbox.store.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT topic, part, next_offset, epoch FROM es.claim($1, $2::text[], $3::int[], $4)",
                self._inbox.consumer, [p.topic for p in partitions], [p.partition for p in partitions], self._owner,
            )  # fmt: skip
        for row in rows:
            self._claims[row["topic"], row["part"]] = Claim(row["epoch"], row["next_offset"])
            self._kafka.seek(TopicPartition(row["topic"], row["part"]), row["next_offset"])

    async def _turn(self) -> None:
        failpoint("consumer.before_receive")
        unclaimed = {tp for tp in self._kafka.assignment() if (tp.topic, tp.partition) not in self._claims}
        if unclaimed:
            await self._claim(unclaimed)
        epochs = {key: claim.epoch for key, claim in self._claims.items()}
        try:
            found = await self._kafka.getmany(timeout_ms=500, max_records=self._limit)
        except NoOffsetForPartitionError:
            return  # a fresh group may say so before the claim's seek; the claim decides
        except OffsetOutOfRangeError as error:
            _log.error("offsets out of range: the topic was truncated or recreated", error=str(error))
            raise
        async with self._busy:
            slices = self._slices(found, epochs)
            if slices:
                failpoint("consumer.after_receive")
                await self._apply_within_limit(slices)
        await self._tell()

    def _slices(self, found: dict[TopicPartition, list[Any]], epochs: dict[tuple[str, int], int]) -> list[Slice]:
        slices = []
        for tp, records in found.items():
            claim = self._claims.get((tp.topic, tp.partition))
            if claim is None:
                continue
            if epochs.get((tp.topic, tp.partition)) != claim.epoch:
                # Claimed anew while these were fetched: they may begin behind the claim's place, and what lies between
                # would be passed over.
                self._kafka.seek(tp, claim.next_offset)
                continue
            raw = tuple(raw_record(r) for r in records if r.offset >= claim.next_offset)
            if raw:
                slices.append(Slice(tp.topic, tp.partition, claim.epoch, claim.next_offset, raw[-1].offset + 1, raw))
        return slices

    async def _apply_within_limit(self, slices: list[Slice]) -> None:
        """Take smaller batches after a failure, larger ones after success: a slow machine must not fail by its own size."""
        try:
            await self._apply_all(slices)
        except Exception:
            self._limit = max(_SMALLEST, self._limit // 2)
            raise
        self._limit = min(self._batch, self._limit * 2)

    async def _apply_all(self, slices: list[Slice]) -> None:
        """Apply the slices; a closed day is a barrier: what stands before it in its partition comes first."""
        while slices:
            heads, slices = _until_day(slices)
            if heads:
                await self._apply(heads)
            days, slices = _leading_days(slices)
            by_day: dict[bytes | None, list[Slice]] = {}
            for one in days:
                by_day.setdefault(one.records[0].value and _date_part(one.records[0].value), []).append(one)
            for same_day in by_day.values():
                await self._wake(same_day)
                await self._apply(same_day)
            slices = [s for s in slices if (s.topic, s.part) in self._claims]

    async def _wake(self, days: Sequence[Slice]) -> None:
        item = self._inbox.decode(days[0].records[0])
        if not self._rules or not item.events or not isinstance(item.events[0].data, BusinessDayClosed):
            return
        on, stuck = item.events[0].data.business_date, set[str]()
        while days := [s for s in days if (s.topic, s.part) in self._claims]:
            try:
                async with self._inbox.store.database.transaction() as connection:
                    await self._inbox.advance(connection, days, stay=True)
                    work = self._inbox.store.work(self._clock.now(), connection)
                    work.feeds = await self._inbox.feeds(connection)
                    woken = await wake_day(connection, work, self._rules, [s.part for s in days], on, stuck)
                    await self._inbox.store.append(connection, [work])
            except PartitionsLost as error:
                self._forget(error.lost)  # the day of the others goes on
                continue
            except StreamVersionConflict:
                continue
            self._appended.notify()
            if woken < PAGE:
                return

    async def _apply(self, slices: Sequence[Slice]) -> None:
        tries = 0
        while slices := [s for s in slices if (s.topic, s.part) in self._claims]:
            try:
                await self._commit(slices)
                return
            except PartitionsLost as error:
                self._forget(error.lost)
            except StreamVersionConflict:
                tries += 1
                if tries > 3 and sum(len(s.records) for s in slices) > 1:
                    await self._by_halves(slices)
                    return
            except Exception as error:
                if is_transient(error):
                    raise
                if sum(len(s.records) for s in slices) == 1:
                    await self._park(slices[0], error)
                else:
                    await self._by_halves(slices)
                return

    async def _commit(self, slices: Sequence[Slice]) -> None:
        with self._batches.measure(slices) as measured:
            async with self._inbox.store.database.transaction() as connection:
                failpoint("consumer.after_begin")
                effects = await self._inbox.apply(connection, slices, self._clock.now())
                failpoint("commit.before")
            failpoint("commit.after")
            measured.done(len(effects.applied), len(effects.parked), effects.duplicates)
        for s in slices:
            if claim := self._claims.get((s.topic, s.part)):
                claim.next_offset = s.end
        self._appended.notify()

    async def _by_halves(self, slices: Sequence[Slice]) -> None:
        """Apply the first half, then the second: what cannot be written is alone after a few steps, the rest is done."""
        for half in _halves(slices):
            await self._apply(half)

    async def _park(self, one: Slice, error: Exception) -> None:
        """Park a record that the database itself refuses (too large an event, a broken projection)."""
        item = self._inbox.decode(one.records[0])
        item.reason, item.error = "unwritable", repr(error)[:4_000]
        async with self._inbox.store.database.transaction() as connection:
            await self._inbox.advance(connection, [one])
            effects: Effects = await self._inbox.take(connection, [item], self._clock.now())
        self._claims[one.topic, one.part].next_offset = one.end
        _log.error("parked what cannot be written", topic=one.topic, offset=one.start, parked=len(effects.parked))

    def _forget(self, lost: set[tuple[str, int]]) -> None:
        _log.warning("partitions lost", partitions=sorted(lost))
        for key in lost:
            self._claims.pop(key, None)

    async def _tell(self) -> None:
        """Commit to Kafka what the database already holds, so that lag tools show it."""
        if time.monotonic() - self._told < 5 or not self._claims:
            return
        self._told = time.monotonic()
        assigned = self._kafka.assignment()
        told = {TopicPartition(*key): claim.next_offset for key, claim in self._claims.items()}
        await self._kafka.commit({tp: offset for tp, offset in told.items() if tp in assigned})


def raw_record(record: Any) -> RawRecord:
    """Return a consumer record of aiokafka as the inbox reads it."""
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return RawRecord(record.topic, record.partition, record.offset, record.key, record.value, record.headers, at)


def _halves(slices: Sequence[Slice]) -> tuple[Sequence[Slice], Sequence[Slice]]:
    if len(slices) > 1:
        middle = len(slices) // 2
        return slices[:middle], slices[middle:]
    (one,) = slices
    middle = len(one.records) // 2
    cut = one.records[middle].offset
    return [replace(one, end=cut, records=one.records[:middle])], [
        replace(one, start=cut, records=one.records[middle:])
    ]


def _is_day(record: RawRecord) -> bool:
    return record.named.get("ce_type") == _DAY


def _date_part(value: bytes) -> bytes:
    """The day's own bytes without its partition, so that the same day of many partitions is one group."""
    return value.split(b',"partition"')[0]


def _until_day(slices: Sequence[Slice]) -> tuple[list[Slice], list[Slice]]:
    """Split each slice before its first closed day."""
    heads, rest = [], []
    for s in slices:
        cut = next((i for i, r in enumerate(s.records) if _is_day(r)), len(s.records))
        middle = s.records[cut].offset if cut < len(s.records) else s.end
        if cut:
            heads.append(replace(s, end=middle, records=s.records[:cut]))
        if cut < len(s.records):
            rest.append(replace(s, start=middle, records=s.records[cut:]) if cut else s)
    return heads, rest


def _leading_days(slices: Sequence[Slice]) -> tuple[list[Slice], list[Slice]]:
    """Take the closed day that each slice begins with."""
    days, rest = [], []
    for s in slices:
        end = s.records[0].offset + 1
        days.append(replace(s, end=end, records=s.records[:1]))
        if len(s.records) > 1:
            rest.append(replace(s, start=end, records=s.records[1:]))
    return days, rest
