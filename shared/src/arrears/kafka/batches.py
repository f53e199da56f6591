"""What is measured of a consumer's batches: one span a batch, counters a batch, never a record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

from arrears.kafka.inbox import Slice
from arrears.telemetry import process_span

_RECORDS = Counter("arrears_consumer_records", "Records taken by a consumer", ["consumer", "outcome"])
_SECONDS = Histogram("arrears_consumer_batch_seconds", "Time from begin to commit of a batch", ["consumer"])
_LAG = Histogram(
    "arrears_consumer_lag_seconds", "Age of a batch's oldest record at its commit", ["consumer"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120, 600),
)  # fmt: skip


@dataclass(slots=True)
class Measured:
    """The outcome of one batch, told by whoever applied it."""

    applied: int = 0
    parked: int = 0
    duplicates: int = 0

    def done(self, applied: int, parked: int, duplicates: int) -> None:
        """Say what became of the batch."""
        self.applied, self.parked, self.duplicates = applied, parked, duplicates


class Batches:
    """Measures the batches of one consumer."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer

    @contextmanager
    def measure(self, slices: Sequence[Slice]) -> Iterator[Measured]:
        """Open a processing span around a batch and count what it did when it committed."""
        started, measured = time.perf_counter(), Measured()
        topics = {s.topic for s in slices}
        records = sum(len(s.records) for s in slices)
        traceparents = (value for s in slices for r in s.records if (value := r.named.get("traceparent")))
        with process_span(self._consumer, topics.pop() if len(topics) == 1 else "", records, traceparents):
            yield measured
        _SECONDS.labels(self._consumer).observe(time.perf_counter() - started)
        for outcome in ("applied", "parked", "duplicates"):
            _RECORDS.labels(self._consumer, outcome).inc(getattr(measured, outcome))
        if records:
            oldest = min(s.records[0].at for s in slices if s.records)  # a partition's records come in order
            age = datetime.now(UTC) - oldest  # noqa: TID251
            _LAG.labels(self._consumer).observe(max(0.0, age.total_seconds()))
