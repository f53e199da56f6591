"""Whole streams of past releases are folded by today's deciders.

`recorded/<release>/<service>.jsonl` holds one stream a line: {"stream": "promise/…", "events": [{"type", "version",
"data"}]}, taken from a log that the release wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from arrears.eventstore.work import encode_state, fold
from arrears.schemas.record import chosen
from arrears.schemas.subscribers import definitions

RECORDED = Path(__file__).parent / "recorded"


class RecordedEvent(msgspec.Struct):
    type: str
    version: int
    data: msgspec.Raw


class RecordedStream(msgspec.Struct):
    stream: str
    events: list[RecordedEvent]


def recorded() -> Iterator[tuple[str, RecordedStream]]:
    for path in sorted(RECORDED.glob("*/*.jsonl")):
        for line in path.read_bytes().splitlines():
            yield path.stem, msgspec.json.decode(line, type=RecordedStream)


def test_every_recorded_stream_folds_to_a_state_that_can_be_stored() -> None:
    deciders = {(service.name, decider.name): decider for service in definitions() for decider in service.deciders}
    assert {service for service, _ in recorded()} >= {"ingest", "scoring", "outreach", "legal"}
    for service, one in recorded():
        decider = deciders[service, one.stream.partition("/")[0]]
        state = fold(service, decider, [(e.type, e.version, bytes(e.data)) for e in one.events])
        assert msgspec.msgpack.decode(encode_state(state), type=decider.state_type) == state


def test_the_streams_kept_hold_every_type_and_none_is_needless() -> None:
    candidates = [
        (1, "loan/a", "loan", ["Imported", "Overdue", "Cured"]),
        (2, "loan/b", "loan", ["Imported", "Overdue"]),
        (3, "loan/c", "loan", ["Imported", "Reversed"]),
        (4, "debtor/a", "debtor", ["Registered"]),
    ]
    assert list(chosen(candidates)) == [(1, "loan/a"), (3, "loan/c"), (4, "debtor/a")]
