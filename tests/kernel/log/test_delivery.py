"""From log to log over the real broker: in order, once, whatever is sent twice, parked, or taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from tests.kernel.log import delivery
from tests.kernel.log.delivery import Pair, heard, make_topic, prepare, running, toy_store
from tests.kernel.log.runtimes import until
from tests.kernel.log.toy import CAUSE, NOON, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.parked import parked, redrive
from arrears_local.kafka import KafkaProcess
from arrears_local.postgres import PostgresProcess

LOANS = [f"loan-{i}" for i in range(9)]


@pytest.fixture
async def pair(
    database: Database, postgres: PostgresProcess, kafka: KafkaProcess, unique: Callable[[str], str]
) -> AsyncIterator[Pair]:
    admin = await asyncpg.connect(postgres.url("postgres"))
    name = unique("subscriber").replace(".", "_")
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE event_log_template")
    subscriber = Database(postgres.url(name))
    await prepare(subscriber)
    topic = await make_topic(kafka.bootstrap, unique("ingest.events"))
    yield Pair(toy_store("ingest", database), toy_store("outreach", subscriber), kafka.bootstrap, topic)
    await subscriber.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def charge(pair: Pair, loans: list[str], amount: int = 100) -> None:
    work = pair.publisher.work(NOON)
    for loan in loans:
        await work.execute(fees(loan), Charge(loan, amount), CAUSE)
    async with pair.publisher.database.transaction() as connection:
        await pair.publisher.append(connection, [work])
    pair.appended.notify()


async def sums(pair: Pair) -> dict[str, tuple[int, int]]:
    async with pair.subscriber.database.connection() as connection:
        return {r["loan_id"]: (r["fees"], r["sum_minor"]) for r in await connection.fetch("SELECT * FROM read.sums")}


async def fee_ids(pair: Pair, loan: str) -> tuple[str, ...]:
    return (await pair.subscriber.work(NOON).state(heard(loan, f"debtor-of-{loan}"))).fee_ids


async def test_every_event_has_its_effect_once_and_in_order(pair: Pair) -> None:
    async with running(pair.relay().run(), pair.consumer().run()):
        for _ in range(5):
            await charge(pair, LOANS)
        await pair.until_caught_up()
    assert await sums(pair) == dict.fromkeys(LOANS, (5, 500))
    assert [await fee_ids(pair, loan) for loan in LOANS] == [("0", "1", "2", "3", "4")] * len(LOANS)


async def test_two_relays_at_once_add_only_duplicates_that_are_seen(pair: Pair) -> None:
    await charge(pair, LOANS * 3)
    for times in (1, 2):  # the second relay starts from a cursor that was lost
        async with running(pair.relay().run(), pair.consumer().run()):
            await pair.until_caught_up()
            async with pair.subscriber.database.connection() as connection:
                taken = f"SELECT sum(next_offset) >= {times * 3 * len(LOANS)} FROM es.consumer_offset"
                await until(connection, taken, True, pair.heard)
        async with pair.publisher.database.connection() as connection:
            await connection.execute("UPDATE es.follower SET position = 0")
    await charge(pair, LOANS)
    async with running(pair.relay().run(), pair.consumer().run()):
        await pair.until_caught_up()
    assert await sums(pair) == dict.fromkeys(LOANS, (4, 400))


async def test_a_consumer_that_was_taken_over_changes_nothing_more(pair: Pair) -> None:
    await charge(pair, LOANS)
    async with running(pair.relay().run(), pair.consumer("first").run()):
        await pair.until_caught_up()
        async with pair.subscriber.database.connection() as connection:
            await connection.fetch(
                "SELECT es.claim($1, array_agg(topic), array_agg(part), 'second') FROM es.consumer_offset",
                pair.inbox.consumer,
            )
        await charge(pair, LOANS)
        await pair.until_caught_up()  # the first one notices, and claims again by its group membership
    assert await sums(pair) == dict.fromkeys(LOANS, (2, 200))


async def test_replicas_that_come_and_go_share_the_work_without_doubling_it(pair: Pair) -> None:
    async with running(pair.relay().run(), pair.consumer("first").run()):
        await charge(pair, LOANS)
        async with running(pair.consumer("second").run()):
            for _ in range(4):
                await charge(pair, LOANS)
            await pair.until_caught_up()
        await charge(pair, LOANS)
        await pair.until_caught_up()
    assert await sums(pair) == dict.fromkeys(LOANS, (6, 600))


async def test_a_refused_record_parks_its_key_while_others_pass_and_redrives_in_order(pair: Pair) -> None:
    async with running(pair.relay().run(), pair.consumer().run()):
        await charge(pair, ["loan-1"], 666)
        await charge(pair, ["loan-1", "loan-2"])
        await pair.until_caught_up()
        held = await parked(pair.subscriber.database, pair.inbox.consumer)
        assert [(p["key"], p["reason"]) for p in held] == [
            ("debtor-of-loan-1", "repugnant"),
            ("debtor-of-loan-1", "behind"),
        ]
        assert await sums(pair) == {"loan-2": (1, 100)}

        still = await redrive(pair.inbox, None, None, SystemClock().now())
        assert [(r.applied, r.left, r.error) for r in still] == [(0, 2, "not this one")]

        delivery.REFUSED["amount"] = 0  # the fix
        try:
            done = await redrive(pair.inbox, None, "debtor-of-loan-1", SystemClock().now())
        finally:
            delivery.REFUSED["amount"] = 666
        assert [(r.applied, r.left) for r in done] == [(2, 0)]
        await charge(pair, ["loan-1"])
        await pair.until_caught_up()
    assert await sums(pair) == {"loan-1": (3, 866), "loan-2": (1, 100)}
    assert await fee_ids(pair, "loan-1") == ("0", "1", "2")


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        pytest.param([], b"{", "invalid", id="bad JSON without headers"),
        pytest.param([("ce_type", b"arrears.ingest.Nothing.v1")], b"{}", "invalid", id="headers missing"),
        pytest.param(None, b'{"amount_minor":NaN}', "invalid", id="NaN"),
        pytest.param(None, b'{"loan_id":"x","amount_minor":-5}', "invalid", id="negative amount"),
        pytest.param(None, b"x" * 5_000_000, "invalid", id="5 MB"),
        pytest.param("v9", b"{}", "unknown_type", id="unknown version"),
        pytest.param("key", b"{}", "invalid", id="wrong key"),
    ],
)
async def test_a_poison_message_parks_itself_and_others_pass(
    pair: Pair, headers: object, value: bytes, reason: str
) -> None:
    await charge(pair, ["loan-1"])
    async with running(pair.relay().run(), pair.consumer().run()):
        await pair.until_caught_up()
        async with AIOKafkaProducer(bootstrap_servers=pair.bootstrap, max_request_size=8_000_000) as producer:
            await producer.send_and_wait(pair.topic, value, key=b"someone", headers=_headers(headers))
        await charge(pair, ["loan-1", "loan-2"])
        await pair.until_caught_up()
        held = await pair.until_parked()
    assert [(p["key"], p["reason"]) for p in held] == [("someone", reason)]
    assert await sums(pair) == {"loan-1": (2, 200), "loan-2": (1, 100)}


def _headers(kind: object) -> list[tuple[str, bytes]]:
    if isinstance(kind, list):
        return kind
    version = b"v9" if kind == "v9" else b"v1"
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"ingest/999"),
        ("ce_source", b"/arrears/ingest"),
        ("ce_type", b"arrears.ingest.FeeCharged." + version),
        ("ce_time", b"2026-03-02T12:00:00Z"),
        ("ce_subject", b"someone-else" if kind == "key" else b"someone"),
        ("ce_recordedtime", b"2026-03-02T12:00:00Z"),
        ("ce_streamkey", b"fees/x"),
        ("ce_streamversion", b"1"),
        ("content-type", b"application/json"),
        ("arrears_meta", b'{"actor":{"kind":"system","id":"test"}}'),
    ]
