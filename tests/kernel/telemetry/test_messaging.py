"""One span a batch, tied to the traces of its records; one recording a batch of each metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import messaging_attributes as conventions
from opentelemetry.semconv._incubating.metrics import messaging_metrics
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from arrears.telemetry import inject, names, process_span, send_span
from arrears.telemetry.messaging import MAX_LINKS
from arrears.telemetry.sampling import LinkedRatio
from arrears.telemetry.trace_context import is_kept, parse


@dataclass(frozen=True)
class Traces:
    """A real tracer provider whose finished spans a test reads."""

    tracer: Tracer
    exporter: InMemorySpanExporter

    def last(self) -> ReadableSpan:
        return self.exporter.get_finished_spans()[-1]


def traces(ratio: float) -> Traces:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(LinkedRatio(ratio), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider.get_tracer("test"), exporter)


@pytest.fixture
def kept() -> Iterator[Traces]:
    yield traces(1.0)


def traced(trace_id: int, span_id: int = 1, flags: str = "01") -> bytes:
    return f"00-{trace_id:032x}-{span_id:016x}-{flags}".encode()


def test_a_batch_of_one_trace_continues_it(kept: Traces) -> None:
    with process_span("outreach", "ingest.events", 3, [traced(7), traced(7, 2)], kept.tracer):
        pass
    span = kept.last()
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id, span.parent.is_remote) == (7, 1, True)
    assert (span.name, span.kind, span.links) == ("process ingest.events", SpanKind.CONSUMER, ())
    assert span.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "ingest.events",
        "messaging.consumer.group.name": "outreach",
        "messaging.batch.message_count": 3,
    }


def test_a_batch_of_several_topics_names_none(kept: Traces) -> None:
    with process_span("console", "", 2, [traced(7)], kept.tracer):
        pass
    assert kept.last().name == "process"
    assert "messaging.destination.name" not in (kept.last().attributes or {})


def test_a_batch_of_several_traces_links_to_each_once(kept: Traces) -> None:
    with process_span("outreach", "ingest.events", 3, [traced(7), traced(8), traced(7)], kept.tracer):
        pass
    span = kept.last()
    assert span.parent is None
    assert [link.context.trace_id for link in span.links] == [7, 8]


def test_links_are_at_most_what_the_sdk_keeps(kept: Traces) -> None:
    with process_span("outreach", "ingest.events", 3, [traced(n) for n in range(1, 500)], kept.tracer):
        pass
    assert len(kept.last().links) == MAX_LINKS


def test_unkept_traces_are_not_linked(kept: Traces) -> None:
    with process_span("o", "t", 3, [traced(7, flags="00"), traced(8), traced(9)], kept.tracer):
        pass
    assert [link.context.trace_id for link in kept.last().links] == [8, 9]


def test_a_batch_with_a_kept_trace_is_kept_whatever_the_ratio() -> None:
    none = traces(0.0)
    with process_span("o", "t", 3, [traced(7), traced(8, flags="00"), traced(9, flags="00")], none.tracer):
        pass
    assert len(none.exporter.get_finished_spans()) == 1
    for unkept in ([traced(8, flags="00"), traced(9, flags="00")], [traced(8, flags="00")], []):
        with process_span("o", "t", 3, unkept, none.tracer):
            pass
    assert len(none.exporter.get_finished_spans()) == 1


def test_an_error_marks_the_span_and_goes_on(kept: Traces) -> None:
    with pytest.raises(KeyError), process_span("o", "t", 3, [traced(7)], kept.tracer):
        raise KeyError("poison")
    assert kept.last().status.status_code is StatusCode.ERROR


def test_sending_is_a_producer_span_in_the_trace_of_its_cause(kept: Traces) -> None:
    with send_span("ingest.events", 2, [traced(7), traced(7)], kept.tracer):
        pass
    span = kept.last()
    assert (span.name, span.kind, span.context.trace_id) == ("send ingest.events", SpanKind.PRODUCER, 7)


def test_what_is_injected_comes_back_as_the_same_context(kept: Traces) -> None:
    assert inject() == ""
    with kept.tracer.start_as_current_span("command") as span:
        context = parse(inject().encode())
    assert context is not None
    assert (context.trace_id, context.span_id) == (span.get_span_context().trace_id, span.get_span_context().span_id)
    assert context.trace_flags.sampled
    assert context.is_remote


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"00-" + b"0" * 32 + b"-0000000000000001-01",
        b"00-" + b"1" * 32 + b"-0000000000000000-01",
        b"ff-" + b"1" * 32 + b"-0000000000000001-01",
        b"00-" + b"G" * 32 + b"-0000000000000001-01",
        b"00-" + b"1" * 31 + b"-0000000000000001-01",
        b"\xff\xfe",
    ],
)
def test_a_broken_header_is_no_trace_and_no_error(kept: Traces, broken: bytes) -> None:
    assert parse(broken) is None
    for others in ([], [traced(7), traced(8)]):
        with process_span("o", "t", 3, [broken, *others], kept.tracer):
            pass
        assert kept.last().parent is None
        assert [link.context.trace_id for link in kept.last().links] == [7, 8][: len(others)]


def test_a_later_version_of_the_header_is_read_by_its_first_fields() -> None:
    later = b"01-" + b"1" * 32 + b"-0000000000000001-03-more"
    context = parse(later)
    assert context is not None
    assert context.trace_flags == 1


def test_the_cheap_look_at_the_flags_agrees_with_the_parser() -> None:
    for flags in range(256):
        value = traced(7, flags=f"{flags:02x}")
        context = parse(value)
        assert context is not None
        assert is_kept(value) == context.trace_flags.sampled


def ours(prefix: str) -> dict[str, Any]:
    return {name: value for name, value in vars(names).items() if name.startswith(prefix)}


def test_every_messaging_name_is_the_one_of_the_installed_conventions() -> None:
    for name, value in ours("MESSAGING_").items():
        assert getattr(conventions, name) == value
    published = {value for name, value in vars(messaging_metrics).items() if name.startswith("MESSAGING_")}
    assert set(ours("METRIC_").values()) <= published
    assert Schemas.V1_44_0.value == names.SCHEMA_URL


def test_deprecated_names_are_not_used() -> None:
    deprecated: Sequence[str] = (
        "messaging.operation",
        "messaging.kafka.consumer.group",
        "messaging.kafka.message.offset",
    )
    assert not set(deprecated) & set(ours("MESSAGING_").values())
