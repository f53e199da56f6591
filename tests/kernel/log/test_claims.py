"""Records that were fetched under a former claim: they may begin behind the place of the new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import TopicPartition

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.kafka.consumer import Claim, Consumer
from arrears.kafka.inbox import Inbox
from arrears.signal import Signal

PLACE = TopicPartition("ingest.events", 0)


@dataclass(frozen=True)
class Fetched:
    """A record as aiokafka gives it."""

    offset: int
    topic: str = PLACE.topic
    partition: int = PLACE.partition
    key: bytes = b"d"
    value: bytes = b"{}"
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)


@dataclass
class Places:
    """Where the client was told to go on reading."""

    sought: list[tuple[TopicPartition, int]] = field(default_factory=list)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought.append((place, offset))


def consumer(epoch: int, next_offset: int) -> tuple[Any, Places]:
    store = EventStore("outreach", Database("postgresql://nowhere"), partitions=1, deciders=[])
    found: Any = Consumer(Inbox("outreach", store, [], [], []), (), SystemClock(), Signal(), "nowhere:1", "me")
    found._claims, found._kafka = {(PLACE.topic, PLACE.partition): Claim(epoch, next_offset)}, Places()
    return found, found._kafka


def test_what_was_fetched_under_a_former_claim_is_fetched_again_from_the_claims_place() -> None:
    """Given records 7 and 8, fetched while the partition was claimed anew at offset 5,
    then none of them is applied, for 5 and 6 would be passed over, and reading goes on at 5."""
    reader, places = consumer(epoch=2, next_offset=5)
    fetched = {PLACE: [Fetched(7), Fetched(8)]}
    assert reader._slices(fetched, {(PLACE.topic, PLACE.partition): 1}) == []
    assert places.sought == [(PLACE, 5)]


def test_what_was_fetched_under_the_present_claim_is_applied_from_its_place() -> None:
    reader, places = consumer(epoch=2, next_offset=5)
    fetched = {PLACE: [Fetched(4), Fetched(5), Fetched(6)]}
    (one,) = reader._slices(fetched, {(PLACE.topic, PLACE.partition): 2})
    assert (one.start, one.end, [r.offset for r in one.records], one.epoch) == (5, 7, [5, 6], 2)
    assert places.sought == []


def test_records_of_a_partition_that_is_not_held_are_left_alone() -> None:
    reader, places = consumer(epoch=2, next_offset=5)
    other = TopicPartition("ingest.events", 1)
    assert reader._slices({other: [Fetched(1)]}, {}) == []
    assert places.sought == []


async def test_a_new_assignment_of_a_partition_that_is_held_goes_on_at_the_claims_place() -> None:
    """Given a claim that outlived a rebalance, then the new assignment, which knows no place, is told the claim's."""
    reader, places = consumer(epoch=2, next_offset=5)
    await reader.on_partitions_assigned({PLACE})
    assert places.sought == [(PLACE, 5)]
    assert reader._claims == {(PLACE.topic, PLACE.partition): Claim(2, 5)}
