"""Spans and metrics of Kafka work, one a batch (semantic conventions: messaging spans and metrics, names in `names`).

Contrib's aiokafka instrumentation ends its spans before the work starts, so these are ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind

from arrears.telemetry import names
from arrears.telemetry.trace_context import contexts, distinct_traces, is_kept

MAX_LINKS: Final = 128  # what the SDK keeps of one span
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# Proxies until a provider is set, so that importing this sets nothing up.
_tracer: Final = trace.get_tracer("arrears.kafka", schema_url=names.SCHEMA_URL)
_meter: Final = metrics.get_meter("arrears.kafka", schema_url=names.SCHEMA_URL)
_process_seconds: Final = _meter.create_histogram(
    names.METRIC_PROCESS_DURATION, unit="s", explicit_bucket_boundaries_advisory=_BUCKETS
)
_operation_seconds: Final = _meter.create_histogram(
    names.METRIC_OPERATION_DURATION, unit="s", explicit_bucket_boundaries_advisory=_BUCKETS
)
_consumed: Final = _meter.create_counter(names.METRIC_CONSUMED_MESSAGES, unit="{message}")
_sent: Final = _meter.create_counter(names.METRIC_SENT_MESSAGES, unit="{message}")


@contextmanager
def process_span(
    consumer: str, topic: str, records: int, traceparents: Iterable[bytes], tracer: trace.Tracer = _tracer
) -> Iterator[Span]:
    """Open the CONSUMER span around the processing of a batch of `records` by the group `consumer`.

    `topic` is empty when the batch mixes topics. `traceparents` are the headers of those records that have one: the
    span's parent is the remote context when they are all of one trace; otherwise it links to those that are kept, at
    most MAX_LINKS. An exception that leaves the block marks the span.
    """
    parent, links = _ties(traceparents)
    common = {
        names.MESSAGING_SYSTEM: names.KAFKA,
        names.MESSAGING_OPERATION_NAME: names.PROCESS,
        names.MESSAGING_CONSUMER_GROUP_NAME: consumer,
    }
    if topic:
        common[names.MESSAGING_DESTINATION_NAME] = topic
    attributes: dict[str, str | int] = {
        names.MESSAGING_OPERATION_TYPE: names.PROCESS,
        names.MESSAGING_BATCH_MESSAGE_COUNT: records,
    }
    with (
        _timed(_process_seconds, common),
        tracer.start_as_current_span(
            f"{names.PROCESS} {topic}".rstrip(), parent, SpanKind.CONSUMER, {**common, **attributes}, links
        ) as span,
    ):
        yield span
    _consumed.add(records, common)


@contextmanager
def send_span(
    topic: str, records: int, traceparents: Iterable[bytes], tracer: trace.Tracer = _tracer
) -> Iterator[Span]:
    """Open the PRODUCER span around one acknowledged batch to `topic`, tied to the records' traces as in `process_span`."""
    parent, links = _ties(traceparents)
    common = {
        names.MESSAGING_SYSTEM: names.KAFKA,
        names.MESSAGING_OPERATION_NAME: names.SEND,
        names.MESSAGING_DESTINATION_NAME: topic,
    }
    attributes: dict[str, str | int] = {
        names.MESSAGING_OPERATION_TYPE: names.SEND,
        names.MESSAGING_BATCH_MESSAGE_COUNT: records,
    }
    with (
        _timed(_operation_seconds, common),
        tracer.start_as_current_span(
            f"{names.SEND} {topic}", parent, SpanKind.PRODUCER, {**common, **attributes}, links
        ) as span,
    ):
        yield span
    _sent.add(records, common)


def _ties(traceparents: Iterable[bytes]) -> tuple[Context | None, list[Link]]:
    """Return the parent of a batch of one trace, else the links of a batch of several."""
    distinct = distinct_traces(traceparents)
    if len(distinct) == 1:
        parents = [trace.set_span_in_context(NonRecordingSpan(context)) for context in contexts(distinct)]
        return next(iter(parents), None), []
    kept = contexts(value for value in distinct if is_kept(value))
    return None, [Link(context) for context in islice(kept, MAX_LINKS)]


@contextmanager
def _timed(histogram: metrics.Histogram, attributes: Mapping[str, str]) -> Iterator[None]:
    started = time.perf_counter()
    failed: dict[str, str] = {}
    try:
        yield
    except BaseException as error:
        failed = {names.ERROR_TYPE: type(error).__qualname__}
        raise
    finally:
        histogram.record(time.perf_counter() - started, {**attributes, **failed})
