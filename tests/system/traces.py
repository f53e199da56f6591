"""A collector that takes OTLP over HTTP, so that tests see the spans that the system's processes really send."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """What a test asks of a span; ids are hexadecimal, `links` are the ids of linked traces."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]


class TraceCollector:
    """Keeps every span and lets a test wait for more."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Span] = []
        self._arrived = threading.Condition()

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        with self._arrived:
            self._spans += _spans(body)
            self._arrived.notify_all()

    def wait_for(self, trace_id: str, expected: Collection[tuple[str, int]], seconds: float) -> list[Span]:
        """Return the spans of a trace, or linked to it, once all `expected` (service, kind) are here; else what came in time.

        A service exports its spans in batches, so that its first one says nothing of the others.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: set(expected) <= {(s.service, s.kind) for s in self._of(trace_id)}, seconds)
            return self._of(trace_id)

    def others(self, trace_id: str) -> list[Span]:
        """Return the spans that neither belong to a trace nor link to it."""
        with self._arrived:
            own = self._of(trace_id)
            return [span for span in self._spans if span not in own]

    def _of(self, trace_id: str) -> list[Span]:
        return [span for span in self._spans if trace_id in (span.trace_id, *span.links)]


@contextmanager
def collecting() -> Iterator[TraceCollector]:
    """Yield a collector that listens on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the test's output is not an access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = TraceCollector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


def _spans(body: bytes) -> Iterator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = {item.key: item.value.string_value for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                links = tuple(link.trace_id.hex() for link in span.links)
                yield Span(
                    named.get("service.name", ""), span.name, span.kind, span.trace_id.hex(), span.span_id.hex(),
                    span.parent_span_id.hex(), links,
                )  # fmt: skip
