"""What cannot be applied is parked with its key and its reason; a redrive applies it in order and once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.kernel.log.toy import CAUSE, FEES, Charge, fees

from arrears.database import Database
from arrears.events.corebanking import FeePosted
from arrears.events.registry import encode
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Cause, Work
from arrears.kafka.cloudevents import RawRecord, from_foreign
from arrears.kafka.inbox import Effects, Inbox, LogTruncated, Slice
from arrears.kafka.sources import Source, Subscription, own_topic
from arrears.parked import Redriven, parked, parked_record, redrive
from arrears.recorded import Recorded
from arrears.refusals import Refusal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC = "corebanking.events"


class Unlucky(Refusal):
    """The toy's door refuses thirteen."""


@dataclass
class Door:
    """The inbox of a service with one foreign topic, and the offsets at which records arrive."""

    store: EventStore
    refused: int = 13
    inbox: Inbox = field(init=False)
    offset: int = 0
    epoch: int = 0

    def __post_init__(self) -> None:
        source = Source(
            TOPIC, lambda r: (from_foreign(r, "corebanking"),), versioned=False, debtor_of=lambda key: f"debtor-{key}"
        )
        self.inbox = Inbox("ingest", self.store, [source], [Subscription(FeePosted, self.charge)], [])

    async def charge(self, event: Recorded, work: Work) -> None:
        fee = event.data
        assert isinstance(fee, FeePosted)
        if fee.amount_minor == self.refused:
            raise Unlucky("thirteen is refused here", amount_minor=13)
        clauses = 200_000 if fee.kind == "huge" else 1
        await work.execute(
            fees(fee.loan_ref), Charge(fee.loan_ref * clauses, fee.amount_minor), Cause.of(event, CAUSE.actor)
        )

    async def take(self, *records: RawRecord) -> Effects:
        """Apply the records as one batch."""
        async with self.store.database.transaction() as connection:
            claim = await connection.fetchrow(
                "SELECT next_offset, epoch FROM es.claim('ingest', $1::text[], '{0}', 'test')", [TOPIC]
            )
            end = records[-1].offset + 1
            one = Slice(TOPIC, 0, claim["epoch"], claim["next_offset"], end, records)
            return await self.inbox.apply(connection, [one], NOON)

    def record(
        self, key: str, amount: int = 100, ref: str = "", kind: str = "late", headers: Sequence[Any] = ()
    ) -> RawRecord:
        self.offset += 1
        value = encode(
            FeePosted(
                loan_ref=f"loan-of-{key}", customer_ref=key, fee_ref="f", kind=kind, amount_minor=amount,
                currency="CNY", charged_on=date(2026, 3, 2), contract_clause="8.1",
            )
        )  # fmt: skip
        standard = [
            ("ce_specversion", b"1.0"),
            ("ce_id", (ref or f"id-{self.offset}").encode()),
            ("ce_source", b"/core"),
            ("ce_type", b"arrears.corebanking.FeePosted.v1"),
        ]
        return RawRecord(TOPIC, 0, self.offset, key.encode(), value, [*standard, *headers], NOON)

    async def amounts(self, key: str) -> tuple[int, int]:
        state = await self.store.work(NOON).state(fees(f"loan-of-{key}"))
        return state.count, state.sum_minor

    async def redrive(self) -> list[Redriven]:
        return await redrive(self.inbox, None, None, NOON)

    async def parked(self) -> list[tuple[str, str, int]]:
        return [(p["key"], p["reason"], p["attempts"]) for p in await parked(self.store.database, "ingest")]


@pytest.fixture
def door(database: Database) -> Door:
    return Door(EventStore("ingest", database, partitions=4, deciders=[FEES]))


async def test_an_id_that_comes_twice_has_one_effect_in_one_batch_or_in_two(door: Door) -> None:
    await door.take(door.record("a", ref="x"), door.record("a", ref="x"), door.record("a", ref="y"))
    effects = await door.take(door.record("a", ref="x"), door.record("a", ref="y"))
    assert (effects.duplicates, await door.amounts("a")) == (2, (2, 200))


async def test_what_follows_a_refused_record_in_its_key_parks_behind_it_and_others_pass(door: Door) -> None:
    await door.take(door.record("a", 13), door.record("a", 1), door.record("b", 1))
    await door.take(door.record("a", 2), door.record("b", 2))
    assert await door.parked() == [("a", "unlucky", 1), ("a", "behind", 1), ("a", "behind", 1)]
    assert [await door.amounts(key) for key in "ab"] == [(0, 0), (2, 3)]


async def test_a_redrive_after_the_fix_applies_every_parked_record_once(door: Door) -> None:
    await door.take(door.record("a", 13), door.record("a", 1))  # one batch: the second id was drawn with the first
    await door.take(door.record("a", 2))
    door.refused = 0
    assert await door.redrive() == [Redriven(TOPIC, "a", 3, 0, "")]
    assert (await door.parked(), await door.amounts("a")) == ([], (3, 16))
    effects = await door.take(door.record("a", ref="id-1"), door.record("a", ref="id-2"), door.record("a", ref="id-3"))
    assert (effects.duplicates, await door.amounts("a")) == (3, (3, 16))


async def test_a_duplicate_of_what_was_applied_stays_one_when_it_parks_behind_another(door: Door) -> None:
    await door.take(door.record("a", 1, ref="x"))
    await door.take(door.record("a", 13), door.record("a", 1, ref="x"))
    door.refused = 0
    assert await door.redrive() == [Redriven(TOPIC, "a", 2, 0, "")]
    assert await door.amounts("a") == (2, 14)


async def test_a_redrive_that_fails_again_counts_and_keeps_the_record_as_it_was(door: Door) -> None:
    await door.take(door.record("a", 13), door.record("a", 1))
    before = await parked(door.store.database, "ingest")
    for attempts in (2, 3):
        assert await door.redrive() == [Redriven(TOPIC, "a", 0, 2, "thirteen is refused here")]
        assert await door.parked() == [("a", "unlucky", attempts), ("a", "behind", 1)]
    after = await parked(door.store.database, "ingest")
    assert [p["parked_at"] for p in after] == [p["parked_at"] for p in before]


async def test_a_redrive_that_the_database_refuses_says_why_and_goes_on_with_other_keys(door: Door) -> None:
    huge, other = door.record("a", 13, kind="huge"), door.record("b", 13)
    await door.take(huge, other)
    door.refused = 0
    first, second = await door.redrive()
    assert (first.key, first.applied, first.left) == ("a", 0, 1)
    assert "CheckViolation" in first.error
    assert second == Redriven(TOPIC, "b", 1, 0, "")
    assert await door.parked() == [("a", "unwritable", 2)]


async def test_a_redrive_of_one_key_leaves_the_others(door: Door) -> None:
    await door.take(door.record("a", 13), door.record("b", 13))
    door.refused = 0
    assert await redrive(door.inbox, TOPIC, "b", NOON) == [Redriven(TOPIC, "b", 1, 0, "")]
    assert await door.parked() == [("a", "unlucky", 1)]


async def test_a_key_that_no_text_column_holds_is_parked_and_holds_what_follows_it(door: Door) -> None:
    await door.take(door.record("a\x00b", 13))
    await door.take(door.record("a\x00b", 1))
    assert await door.parked() == [("a\\x00b", "unlucky", 1), ("a\\x00b", "behind", 1)]


async def test_a_record_with_a_key_too_long_for_an_index_is_parked_and_others_pass(door: Door) -> None:
    key = "".join(f"{i:04x}" for i in range(5_000))
    await door.take(door.record(key, 13))
    await door.take(door.record(key, 1), door.record("b", 1))
    assert [reason for _, reason, _ in await door.parked()] == ["invalid", "invalid"]
    assert len({key for key, _, _ in await door.parked()}) == 1
    assert await door.amounts("b") == (1, 1)


async def test_whatever_a_topics_reader_raises_parks_the_record(door: Door) -> None:
    def broken(_record: RawRecord) -> tuple[Recorded, ...]:
        raise IndexError("the reader ran over the end")

    door.inbox.sources[TOPIC] = replace(door.inbox.sources[TOPIC], decode=broken)
    await door.take(door.record("a"))
    assert await door.parked() == [("a", "invalid", 1)]


async def test_a_parked_record_is_shown_as_it_came_and_with_the_debtor_it_holds_back(door: Door) -> None:
    record = door.record("a", 13, headers=[("odd", b"\xff")])
    await door.take(record)
    shown = await parked_record(door.store.database, "ingest", TOPIC, 0, record.offset)
    assert shown is not None
    assert (shown["headers"]["odd"], shown["value"]) == ("\\xff", (record.value or b"").decode())
    async with door.store.database.connection() as connection:
        assert await connection.fetchval("SELECT debtor_id FROM es.parked") == "debtor-a"
    assert await parked_record(door.store.database, "ingest", TOPIC, 0, 999) is None


async def test_a_gap_in_a_stream_of_our_own_logs_stops_the_batch(database: Database) -> None:
    store = EventStore("outreach", database, partitions=4, deciders=[FEES])
    inbox = Inbox("outreach", store, [own_topic("ingest")], (), ())
    value = b'{"loan_id":"l","fee_id":"f","kind":"late","amount_minor":1,"currency":"CNY","charged_on":"2026-03-02","contract_clause":""}'

    def item(version: int) -> Any:
        headers = [
            ("ce_type", b"arrears.ingest.FeeCharged.v1"), ("ce_id", b"ingest/%d" % version), ("ce_subject", b"d"),
            ("ce_time", b"2026-03-02T12:00:00Z"), ("ce_recordedtime", b"2026-03-02T12:00:00Z"),
            ("ce_streamkey", b"fees/l"), ("ce_streamversion", b"%d" % version),
            ("arrears_meta", b'{"actor":{"kind":"system","id":"test"}}'),
        ]  # fmt: skip
        return inbox.decode(RawRecord("ingest.events", 0, version, b"d", value, headers, NOON))

    async with database.transaction() as connection:
        effects = await inbox.take(connection, [item(1), item(2), item(2)], NOON)
        assert (len(effects.applied), effects.duplicates, effects.parked) == (2, 1, [])
    with pytest.raises(LogTruncated, match="fees/l goes from 2 to 4"):
        async with database.transaction() as connection:
            await inbox.take(connection, [item(4)], NOON)
