"""One trace: from an HTTP command through the log and Kafka into the read models of other services."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import Final

import msgspec
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Kind
from tests.system.loans import TestLoan
from tests.system.running import System
from tests.system.traces import Span

from arrears.auth.principal import Role
from arrears.events.registry import type_of

WITHIN_SECONDS: Final = 30
HEARERS: Final = {"scoring", "outreach", "legal", "audit", "console"}
EXPECTED: Final = {("ingest", Kind.SPAN_KIND_SERVER), ("ingest", Kind.SPAN_KIND_PRODUCER)} | {
    (service, Kind.SPAN_KIND_CONSUMER) for service in HEARERS
}


async def test_a_command_and_all_that_comes_of_it_is_one_trace(system: System) -> None:
    """The caller's `traceparent` says that this trace is kept; the system's own ratio is 0, so no other one is."""
    trace_id, parent_id = token_hex(16), token_hex(8)
    loan = TestLoan("traced", 100_00, await system.next_monday())
    await _import(system, loan, f"00-{trace_id}-{parent_id}-01")
    await system.quiet()
    assert (await system.story(loan.debtor_id)).one("LoanImported")

    spans = await asyncio.to_thread(system.traces.wait_for, trace_id, EXPECTED, WITHIN_SECONDS)
    (request,) = of_kind(spans, "ingest", Kind.SPAN_KIND_SERVER)
    assert (request.parent_id, request.trace_id) == (parent_id, trace_id)
    assert {span.name for span in of_kind(spans, "ingest", Kind.SPAN_KIND_PRODUCER)} == {"send ingest.events"}
    heard = {span.service for span in spans if span.kind == Kind.SPAN_KIND_CONSUMER}
    assert heard == HEARERS
    assert not system.traces.others(trace_id)


async def _import(system: System, loan: TestLoan, traceparent: str) -> None:
    _, booked = loan.booked()
    event = {
        "specversion": "1.0", "id": "traced", "source": "/core-banking", "type": type_of(type(booked)).wire_name,
        "time": (await system.now()).isoformat(), "data": booked,
    }  # fmt: skip
    answer = await system.http.post(
        f"{system.doors.url('ingest')}/v1/files", params={"format": "jsonl"}, content=msgspec.json.encode(event),
        headers={
            "traceparent": traceparent, "Authorization": f"Bearer {system.token_of(Role.core_banking)}",
            "Idempotency-Key": "one-trace",
        },
    )  # fmt: skip
    assert answer.status_code == 200, answer.text


def of_kind(spans: list[Span], service: str, kind: int) -> list[Span]:
    """Return the spans of a service and kind."""
    return [span for span in spans if (span.service, span.kind) == (service, kind)]
