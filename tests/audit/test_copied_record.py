"""What becomes of a record of our topics on its way into the copy."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.audit.logs import Publisher, as_record

from arrears.events.registry import InvalidEvent
from arrears.kafka.cloudevents import RawRecord
from arrears.recorded import Recorded
from arrears.tree.leaves import leaf_of
from audit.adapters.copied_record import Copied, Unread, copied


@pytest.fixture
async def event(publisher: Publisher) -> Recorded:
    return (await publisher.charge("loan-1"))[0]


def with_header(record: RawRecord, name: str, value: bytes) -> RawRecord:
    return replace(record, headers=[(n, value if n == name else v) for n, v in record.headers])


async def test_a_copied_event_has_the_publishers_leaf_and_its_offset(event: Recorded) -> None:
    [read] = copied(as_record(event, 17))
    assert isinstance(read, Copied)
    assert read.offset == 17
    assert leaf_of(read) == leaf_of(event)
    assert read.data == event.data


async def test_bytes_that_nobody_can_read_are_kept_as_they_are(event: Recorded) -> None:
    for value in (b"", b"{", b"\xff", b'{"loan_id": 7}'):
        [read] = copied(as_record(event, value=value))
        assert isinstance(read.data, Unread)
        assert read.raw_data == value
    [newer] = copied(with_header(as_record(event), "ce_type", b"arrears.ingest.InventedLater.v3"))
    assert (newer.type, newer.schema_version) == ("InventedLater", 3)
    [strange] = copied(with_header(as_record(event), "arrears_meta", b"[]"))
    assert strange.raw_meta == b"[]"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_id", b"ingest/x"),
        ("ce_id", b"legal/1"),
        ("ce_type", b"com.example.Other"),
        ("ce_subject", b"somebody else"),
        ("ce_recordedtime", b"yesterday"),
        ("ce_streamversion", b"one"),
        ("ce_streamkey", b"\xff"),
    ],
)
async def test_a_record_that_does_not_say_which_event_it_is_is_refused(
    event: Recorded, header: str, value: bytes
) -> None:
    with pytest.raises(InvalidEvent):
        copied(with_header(as_record(event), header, value))


async def test_an_event_on_another_services_topic_is_refused(event: Recorded) -> None:
    with pytest.raises(InvalidEvent, match=r"does not belong on legal\.events"):
        copied(as_record(event, topic="legal.events"))
    with pytest.raises(InvalidEvent):
        copied(as_record(event, headers=[]))
