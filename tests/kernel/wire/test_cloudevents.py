"""Our Kafka records are CloudEvents 1.0 in binary mode; foreign ones are read in binary and structured mode."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from arrears.events.corebanking import FeePosted
from arrears.events.ingest import FeeCharged
from arrears.events.registry import InvalidEvent, UnknownEvent, encode
from arrears.kafka.cloudevents import (
    Heartbeat,
    RawRecord,
    attributes,
    from_foreign,
    from_own_log,
    heartbeat_record,
    is_heartbeat,
    to_headers,
)
from arrears.recorded import Actor, Meta, Recorded, encode_meta

AT = datetime(2026, 3, 2, 4, 0, 0, 123456, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHARGED = FeeCharged(
    loan_id="loan-1", fee_id="fee-1", kind="late", amount_minor=100, currency="CNY", charged_on=date(2026, 3, 2),
    contract_clause="第八条",
)  # fmt: skip
POSTED = FeePosted(
    loan_ref="L-1", customer_ref="C-1", fee_ref="F-1", kind="late", amount_minor=100, currency="CNY",
    charged_on=date(2026, 3, 2), contract_clause="8.1",
)  # fmt: skip


def stored(traceparent: str = TRACE) -> Recorded:
    meta = Meta(actor=Actor(kind="user", id="lin"), causation="core#1", traceparent=traceparent)
    return Recorded(
        "ingest", 7, "ingest/7", "loan/loan-1", 3, "debtor-1", 2, "FeeCharged", 1, AT, AT, meta, encode(CHARGED),
        encode_meta(meta), CHARGED,
    )  # fmt: skip


def sent(event: Recorded, **changed: bytes | None) -> RawRecord:
    """Return the record that the relay sends; `changed` replaces headers (None: leaves one out), the key or the value."""
    key = changed.pop("key", event.debtor_id.encode())
    value = changed.pop("value", event.raw_data)
    headers = [(name, changed.get(name, old)) for name, old in to_headers(event)]
    return RawRecord("ingest.events", 2, 11, key, value, [(n, v) for n, v in headers if v is not None], AT)


def foreign(value: Any, *headers: tuple[str, bytes], key: bytes | None = b"C-1") -> RawRecord:
    body = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return RawRecord("corebanking.events", 0, 5, key, body, list(headers), AT)


def binary(**changed: bytes) -> list[tuple[str, bytes]]:
    headers = {
        "ce_specversion": b"1.0", "ce_id": b"42", "ce_source": b"/core", "ce_type": b"arrears.corebanking.FeePosted.v1",
    } | changed  # fmt: skip
    return [(name, value) for name, value in headers.items() if value]


def structured(**changed: Any) -> RawRecord:
    envelope = {
        "specversion": "1.0", "id": "42", "source": "/core", "type": "arrears.corebanking.FeePosted.v1",
        "data": json.loads(encode(POSTED)),
    } | changed  # fmt: skip
    return foreign(envelope, ("content-type", b"application/cloudevents+json; charset=utf-8"))


def test_the_vectors_of_the_kafka_protocol_binding_are_read(shared_folder: Path) -> None:
    vectors = json.loads((shared_folder / "real/cloudevents/kafka-binding-vectors.json").read_text())
    assert len(vectors) == 3
    for vector in vectors:
        headers = [(name, value.encode()) for name, value in vector["headers"].items()]
        found, data = attributes(foreign(vector["value"], *headers))
        assert {name: found.get(name) for name in vector["attributes"]} == vector["attributes"]
        assert json.loads(data) == vector["data"]


def test_what_we_send_is_valid_by_the_specifications_own_schema(shared_folder: Path) -> None:
    schema = json.loads((shared_folder / "real/cloudevents/cloudevents.schema.json").read_text())
    event = from_binary(KafkaMessage(dict(to_headers(stored())), b"debtor-1", stored().raw_data), JSONFormat())
    jsonschema.validate(json.loads(to_structured(event, JSONFormat()).value), schema)


def test_a_stored_event_is_sent_with_these_headers_and_its_stored_bytes() -> None:
    assert dict(to_headers(stored())) == {
        "ce_specversion": b"1.0",
        "ce_id": b"ingest/7",
        "ce_source": b"/arrears/ingest",
        "ce_type": b"arrears.ingest.FeeCharged.v1",
        "ce_time": b"2026-03-02T04:00:00.123456Z",
        "ce_subject": b"debtor-1",
        "ce_dataschema": b"/schemas/ingest/FeeCharged.v1.json",
        "ce_recordedtime": b"2026-03-02T04:00:00.123456Z",
        "ce_streamkey": b"loan/loan-1",
        "ce_streamversion": b"3",
        "content-type": b"application/json",
        "arrears_meta": stored().raw_meta,
        "traceparent": TRACE.encode(),
    }


def test_attribute_names_are_lower_case_letters_and_digits_as_the_specification_wants() -> None:
    names = [name.removeprefix("ce_") for name, _ in to_headers(stored()) if name.startswith("ce_")]
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in names)


@pytest.mark.parametrize("traceparent", [TRACE, ""], ids=["traced", "untraced"])
def test_what_is_sent_is_read_back_whole(traceparent: str) -> None:
    event = stored(traceparent)
    assert from_own_log(sent(event)) == event


def test_the_library_cloudevents_reads_what_we_send() -> None:
    event = from_binary(KafkaMessage(dict(to_headers(stored())), b"debtor-1", stored().raw_data), JSONFormat())
    assert (event.get_id(), event.get_source()) == ("ingest/7", "/arrears/ingest")
    assert (event.get_type(), event.get_subject()) == ("arrears.ingest.FeeCharged.v1", "debtor-1")
    assert (event.get_time(), event.get_datacontenttype()) == (AT, "application/json")
    assert event.get_dataschema() == "/schemas/ingest/FeeCharged.v1.json"
    assert (event.get_extension("streamkey"), event.get_extension("streamversion")) == ("loan/loan-1", "3")
    assert event.get_data() == json.loads(encode(CHARGED))


def test_a_heartbeat_is_a_cloudevent_too_and_no_event_of_a_log() -> None:
    value, headers = heartbeat_record(Heartbeat(source="ingest", position=7, at=AT))
    event = from_binary(KafkaMessage(dict(headers), None, value), JSONFormat())
    assert event.get_type() == "arrears.heartbeat.v1"
    assert is_heartbeat(RawRecord("ingest.events", 0, 1, None, value, headers, AT))
    assert not is_heartbeat(sent(stored()))


@pytest.mark.parametrize("mode", [to_binary, to_structured], ids=["binary", "structured"])
def test_what_the_library_cloudevents_sends_is_read(mode: Any) -> None:
    event = CloudEvent(
        {
            "id": "42", "source": "/core", "type": "arrears.corebanking.FeePosted.v1", "time": AT, "specversion": "1.0",
            "datacontenttype": "application/json", "partitionkey": "C-1",
        },
        json.loads(encode(POSTED)),
    )  # fmt: skip
    message = mode(event, JSONFormat())
    found = from_foreign(foreign(message.value, *message.headers.items(), key=message.key.encode()), "corebanking")
    assert (found.event_id, found.stream_key, found.occurred_at) == ("/core#42", "C-1", AT)
    assert found.data == POSTED


def test_an_event_without_a_time_happened_when_the_broker_took_it() -> None:
    assert from_foreign(foreign(encode(POSTED), *binary()), "corebanking").occurred_at == AT


def test_a_time_in_another_zone_is_turned_into_utc() -> None:
    record = foreign(encode(POSTED), *binary(ce_time=b"2026-03-02T12:00:00.123456+08:00"))
    assert from_foreign(record, "corebanking").occurred_at == AT


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([("traceparent", TRACE.encode())], TRACE),
        ([("traceparent", b'"}, nonsense')], ""),
        ([("traceparent", b"\xff")], ""),
        ([], ""),
    ],
    ids=["valid", "nonsense", "no text", "none"],
)
def test_only_a_valid_trace_of_the_sender_is_carried_on(headers: Sequence[tuple[str, bytes]], kept: str) -> None:
    found = from_foreign(foreign(encode(POSTED), *binary(), *headers), "corebanking")
    assert found.meta.traceparent == kept


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ce_id": None}, "header 'ce_id' is missing"),
        ({"arrears_meta": None}, "header 'arrears_meta' is missing"),
        ({"key": b"debtor-2"}, "the key or the source is not the event's own"),
        ({"key": None}, "the key or the source is not the event's own"),
        ({"ce_id": b"legal/7"}, "the key or the source is not the event's own"),
        ({"ce_id": b"ingest/0"}, "count from 1"),
        ({"ce_id": b"ingest/x"}, "invalid literal"),
        ({"ce_streamversion": b"0"}, "count from 1"),
        ({"ce_streamversion": b"-1"}, "count from 1"),
        ({"ce_time": b"2026-03-02T12:00:00"}, "has no zone"),
        ({"ce_recordedtime": b"yesterday"}, "Invalid isoformat"),
        ({"arrears_meta": b"{}"}, "missing required field `actor`"),
        ({"value": None}, "truncated"),
        ({"value": b"{"}, "truncated"),
        ({"value": b'{"loan_id":"\xff"}'}, "utf-8"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_record_of_our_own_topics_that_is_not_whole_is_invalid(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidEvent, match=re.escape(told)):
        from_own_log(sent(stored(), **changed))


@pytest.mark.parametrize(
    "ce_type", [b"arrears.ingest.FeeCharged.v2", b"arrears.ingest.Nothing.v1", b"arrears.ingest.FeeCharged", b""]
)
def test_a_type_or_version_that_nobody_here_knows_is_unknown(ce_type: bytes) -> None:
    with pytest.raises(UnknownEvent):
        from_own_log(sent(stored(), ce_type=ce_type))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (foreign(encode(POSTED), *binary(ce_id=b"")), "CloudEvents attributes missing: id"),
        (foreign(encode(POSTED)), "CloudEvents attributes missing: id, source, type, specversion"),
        (foreign(encode(POSTED), *binary(ce_specversion=b"0.3")), "CloudEvents '0.3' is not spoken here"),
        (foreign(encode(POSTED), *binary(ce_source=b"\xff")), "utf-8"),
        (foreign(encode(POSTED), *binary(), key=b"\xff"), "utf-8"),
        (foreign(encode(POSTED), *binary(ce_time=b"2026-03-02T12:00:00")), "has no zone"),
        (foreign(encode(POSTED), *binary(ce_time=b"0001-01-01T00:00:00+23:59")), "date value out of range"),
        (structured(type=5), "CloudEvents attributes that are no text: type"),
        (structured(time=5, source=["/core"]), "CloudEvents attributes that are no text: source, time"),
        (structured(id=None), "CloudEvents attributes missing: id"),
        (structured(data=None), "Expected `object`, got `null`"),
        (foreign(b"[]", ("content-type", b"application/cloudevents+json")), "is no JSON object"),
        (foreign(None, ("content-type", b"application/cloudevents+json")), "is no JSON object"),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_a_foreign_record_that_is_no_cloudevent_is_invalid(record: RawRecord, told: str) -> None:
    with pytest.raises(InvalidEvent, match=re.escape(told)):
        from_foreign(record, "corebanking")


def test_an_event_of_another_owner_is_unknown_at_this_door() -> None:
    with pytest.raises(UnknownEvent, match="is not an event of corebanking"):
        from_foreign(foreign(encode(CHARGED), *binary(ce_type=b"arrears.ingest.FeeCharged.v1")), "corebanking")


def test_a_key_parks_under_a_text_that_the_database_can_hold_and_index() -> None:
    def text(key: bytes | None) -> str:
        return foreign(b"", key=key).key_text

    assert [text(None), text("张三".encode()), text(b"a\x00b"), text(b"\xff")] == ["", "张三", "a\\x00b", "\\xff"]
    long, longer = text(b"k" * 100_000), text(b"k" * 100_001)
    assert len(long) < 200
    assert long != longer
