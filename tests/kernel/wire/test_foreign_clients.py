"""A client that is not ours reads our topics and writes to our inputs: confluent-kafka (librdkafka)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import confluent_kafka
import pytest
from tests.kernel.log.delivery import make_topic, running
from tests.kernel.log.runtimes import until
from tests.kernel.log.toy import CAUSE, FEES, NOON, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.events.corebanking import FeePosted
from arrears.events.registry import encode
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause, Work
from arrears.kafka.cloudevents import RawRecord, from_foreign, from_own_log, is_heartbeat
from arrears.kafka.consumer import Consumer
from arrears.kafka.inbox import Inbox
from arrears.kafka.relay import Relay
from arrears.kafka.sources import Source, Subscription
from arrears.parked import parked
from arrears.recorded import Recorded
from arrears.signal import Signal
from arrears.values.identity import partition_of
from arrears_local.kafka import KafkaProcess

PARTITIONS = 24
LOANS = [f"loan-{i}" for i in range(30)]


def read(bootstrap: str, topic: str, count: int) -> list[RawRecord]:
    """Read `count` events of a topic, without the heartbeats."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": topic})
    consumer.assign(
        [confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in range(PARTITIONS)]
    )
    found: list[RawRecord] = []
    try:
        while len(found) < count:
            message = consumer.poll(30)
            assert message is not None, f"{len(found)} of {count} events came"
            assert message.error() is None, message.error()
            record = raw(message)
            if not is_heartbeat(record):
                found.append(record)
    finally:
        consumer.close()
    return found


def raw(message: Any) -> RawRecord:
    """Return librdkafka's message as our inbox reads records."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    return RawRecord(topic, partition, offset, message.key(), message.value(), message.headers() or [], NOON)


def produce(bootstrap: str, topic: str, *messages: dict[str, Any]) -> list[RawRecord]:
    """Write the messages, in order, with the partitioner that counts as Java clients do."""
    delivered: list[RawRecord] = []

    def keep(error: Any, message: Any) -> None:
        assert error is None, error
        delivered.append(raw(message))

    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2"})
    for message in messages:
        producer.produce(topic, on_delivery=keep, **message)
    assert producer.flush(30) == 0
    return delivered


@pytest.fixture
def store(database: Database) -> EventStore:
    return EventStore("ingest", database, partitions=PARTITIONS, deciders=[FEES])


async def test_a_foreign_client_reads_what_the_relay_wrote(
    store: EventStore, kafka: KafkaProcess, unique: Callable[[str], str]
) -> None:
    topic = await make_topic(kafka.bootstrap, unique("ingest.events"), PARTITIONS)
    work = store.work(NOON)
    for loan in LOANS:
        await work.execute(fees(loan), Charge(loan, times=2), CAUSE)
    async with store.database.transaction() as connection:
        await store.append(connection, [work])
    async with running(Relay(store, kafka.bootstrap, SystemClock(), Signal(), 0.05, topic=topic).run()):
        records = await asyncio.to_thread(read, kafka.bootstrap, topic, 60)
    async with store.database.connection() as connection:
        log = {event.event_id: event for event in await store.read(connection, 0, 100)}

    for record in records:
        headers = dict(record.headers)
        assert {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"} <= headers.keys()
        assert (headers["ce_specversion"], headers["content-type"]) == (b"1.0", b"application/json")
    assert {event.event_id: event for event in map(from_own_log, records)} == log


async def test_the_largest_event_that_the_log_takes_is_published_too(
    store: EventStore, kafka: KafkaProcess, unique: Callable[[str], str]
) -> None:
    topic = await make_topic(kafka.bootstrap, unique("ingest.events"), PARTITIONS)
    work = store.work(NOON)
    for name in ("small", "x" * 899_000, "small"):
        await work.execute(fees("loan-1"), Charge(name), CAUSE)
    async with store.database.transaction() as connection:
        await store.append(connection, [work])
    async with running(Relay(store, kafka.bootstrap, SystemClock(), Signal(), 0.05, topic=topic).run()):
        records = await asyncio.to_thread(read, kafka.bootstrap, topic, 3)
    assert [dict(record.headers)["ce_id"] for record in records] == [b"ingest/1", b"ingest/2", b"ingest/3"]


async def test_the_relays_partitions_are_those_of_the_default_partitioner(
    kafka: KafkaProcess, unique: Callable[[str], str]
) -> None:
    topic = await make_topic(kafka.bootstrap, unique("keys"), PARTITIONS)
    keys = ["", "a", "ab", "abc", "abcd", "abcde", "债务人", "6f1c9f1e-4d0b-5c39-9a57-2f6d1f0e8a11", *LOANS]
    records = await asyncio.to_thread(
        produce, kafka.bootstrap, topic, *({"key": key.encode(), "value": b""} for key in keys)
    )
    placed = {(record.key or b"").decode(): record.partition for record in records}
    assert placed == {key: partition_of(key, PARTITIONS) for key in keys}


@dataclass
class Door:
    """A service that takes fees from a foreign topic."""

    store: EventStore
    bootstrap: str
    topic: str
    heard: Signal

    @property
    def inbox(self) -> Inbox:
        source = Source(self.topic, lambda r: (from_foreign(r, "corebanking"),), versioned=False)
        return Inbox(f"ingest-{self.topic}", self.store, [source], [Subscription(FeePosted, charge)], [])

    def consumer(self) -> Consumer:
        return Consumer(self.inbox, (), SystemClock(), self.heard, self.bootstrap, "one")

    async def send(self, *messages: dict[str, Any]) -> None:
        await asyncio.to_thread(produce, self.bootstrap, self.topic, *messages)

    async def until(self, query: str, expected: Any) -> None:
        async with self.store.database.connection() as connection:
            await until(connection, query, expected, self.heard)


async def charge(event: Recorded, work: Work) -> None:
    assert isinstance(event.data, FeePosted)
    name = event.data.loan_ref * (200_000 if event.data.kind == "huge" else 1)  # too large an event for the log
    await work.execute(fees(event.data.loan_ref), Charge(name, event.data.amount_minor), Cause.of(event, CAUSE.actor))


@pytest.fixture
async def door(store: EventStore, kafka: KafkaProcess, unique: Callable[[str], str]) -> AsyncIterator[Door]:
    topic = await make_topic(kafka.bootstrap, unique("corebanking.events"), 4)
    yield Door(store, kafka.bootstrap, topic, Signal())


def fee(loan: str, kind: str = "late") -> bytes:
    return encode(
        FeePosted(
            loan_ref=loan, customer_ref="C-1", fee_ref="F-1", kind=kind, amount_minor=100, currency="CNY",
            charged_on=date(2026, 3, 2), contract_clause="8.1",
        )
    )  # fmt: skip


def binary(number: int, loan: str) -> dict[str, Any]:
    headers = {
        "ce_specversion": "1.0", "ce_id": str(number), "ce_source": "/core",
        "ce_type": "arrears.corebanking.FeePosted.v1", "content-type": "application/json",
    }  # fmt: skip
    return {"key": "C-1", "value": fee(loan), "headers": headers}


def structured(number: int, loan: str) -> dict[str, Any]:
    value = {
        "specversion": "1.0", "id": str(number), "source": "/core", "type": "arrears.corebanking.FeePosted.v1",
        "datacontenttype": "application/json", "data": json.loads(fee(loan)),
    }  # fmt: skip
    return {"key": "C-1", "value": json.dumps(value), "headers": {"content-type": "application/cloudevents+json"}}


async def test_records_of_a_foreign_client_are_accepted_in_both_modes_and_once(door: Door) -> None:
    await door.send(*(binary(i, "loan-1") for i in range(5)), *(structured(i, "loan-1") for i in range(3, 8)))
    async with running(door.consumer().run()):
        await door.until("SELECT count(*) FROM es.seen_id", 8)
    assert (await door.store.work(NOON).state(fees("loan-1"))).count == 8


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param({"key": "bad", "value": b"{", "headers": [("ce_type", None), ("ce_id", b"x")]}, id="null header"),
        pytest.param({"key": "bad", "value": None, "headers": None}, id="tombstone"),
        pytest.param({"key": "bad", "value": b"{}", "headers": [("traceparent", None)]}, id="null trace"),
        pytest.param({"key": b"bad\x00\xff", "value": b"{}", "headers": None}, id="binary key"),
        pytest.param({"key": bytes(range(1, 256)) * 40, "value": b"{}", "headers": None}, id="10 kB key"),
        pytest.param(
            {"key": "bad", "value": b'{"type":5}', "headers": {"content-type": "application/cloudevents+json"}},
            id="a number for a type",
        ),
        pytest.param(
            {"key": "bad", "value": b"[" * 200_000, "headers": {"content-type": "application/cloudevents+json"}},
            id="deeply nested",
        ),
    ],
)
async def test_no_record_of_a_foreign_client_ends_the_consumer(door: Door, poison: dict[str, Any]) -> None:
    await door.send(poison, binary(1, "loan-1"))
    async with running(door.consumer().run()):
        await door.until("SELECT count(*) FROM es.event", 1)
        await door.until("SELECT count(*) FROM es.parked", 1)
    (held,) = await parked(door.store.database, door.inbox.consumer)
    assert held["reason"] in ("invalid", "unknown_type")


async def test_a_record_whose_effect_the_database_refuses_is_parked_and_the_batch_around_it_is_applied(
    door: Door,
) -> None:
    huge = binary(3, "loan-1") | {"value": fee("loan-1", kind="huge"), "key": "C-2"}
    await door.send(binary(1, "loan-1"), huge, binary(2, "loan-2"), binary(4, "loan-3") | {"key": "C-2"})
    async with running(door.consumer().run()):
        await door.until("SELECT count(*) FROM es.event", 2)
        await door.until("SELECT count(*) FROM es.parked", 2)
    held = await parked(door.store.database, door.inbox.consumer)
    assert [(p["key"], p["reason"]) for p in held] == [("C-2", "unwritable"), ("C-2", "behind")]
    assert "CheckViolation" in held[0]["error"]
