"""W3C trace context between the log, Kafka and spans. It is stored with the event, so a late relay does not lose it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

HEADER: Final = "traceparent"
# https://www.w3.org/TR/trace-context/#traceparent-header ; version ff is invalid, later versions start alike
_FORM: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_ODD_DIGITS: Final = frozenset((b"1", b"3", b"5", b"7", b"9", b"b", b"d", b"f"))


def inject() -> str:
    """Return the `traceparent` of the current span, empty when there is none: what an event's meta keeps."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def parse(traceparent: bytes) -> SpanContext | None:
    """Return the remote context that the header names, None when it is not valid."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return None
    flags = TraceFlags(int(found[3], 16) & TraceFlags.SAMPLED)
    context = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


def distinct_traces(traceparents: Iterable[bytes]) -> list[bytes]:
    """Return the first header of each distinct trace, in their order, unparsed."""
    first: dict[bytes, bytes] = {}
    for value in traceparents:
        first.setdefault(value[3:35], value)
    return list(first.values())


def is_kept(traceparent: bytes) -> bool:
    """Say whether the header's sampled flag is set. Cheap, because a batch may hold thousands of traces."""
    return traceparent[54:55] in _ODD_DIGITS


def contexts(traceparents: Iterable[bytes]) -> Iterator[SpanContext]:
    """Yield the remote contexts of the valid ones."""
    return (context for value in traceparents if (context := parse(value)) is not None)
