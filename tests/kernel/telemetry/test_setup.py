"""Telemetry as a process has it: run in a child, because providers are set once a process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arrears.telemetry.logs import mask_personal_data
from arrears.telemetry.setup import InvalidTelemetrySetting, setup_telemetry
from arrears.testing.servers import serving

PROGRAM = """
import logging, os
import structlog
from opentelemetry import trace
from prometheus_client import generate_latest
from arrears.telemetry import inject, process_span, setup_telemetry
setup_telemetry("outreach", os.environ)
log = structlog.get_logger("test")
with trace.get_tracer("test").start_as_current_span("command") as span:
    log.info("promise.made", promise_id="018f2f6e-7a10-7c53-9d0e-345678901234", note="call +8613812345678")
    header = inject()
with process_span("outreach", "ingest.events", 1, [header.encode()]):
    pass
try:
    raise RuntimeError("no such account 6222020200112233445")
except RuntimeError:
    log.exception("it.failed")
logging.getLogger("aiokafka").warning("from the %s", "library")
log.debug("not shown")
metrics = generate_latest().decode()
log.info("end", sampled=bool(int(header[-2:], 16) & 1), measured="messaging_process_duration_seconds_count" in metrics)
trace.get_tracer_provider().force_flush()
"""


def lines(**environ: str) -> list[dict[str, Any]]:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environ, check=False)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_each_line_is_json_with_service_time_and_trace() -> None:
    made, failed, library, end = lines()
    assert made["event"] == "promise.made"
    assert made["service"] == "outreach"
    assert made["level"] == "info"
    assert made["at"].endswith("Z")
    assert (len(made["trace_id"]), len(made["span_id"])) == (32, 16)
    assert "trace_id" not in failed
    assert failed["exception"].startswith("Traceback")
    assert (library["event"], library["level"]) == ("from the library", "warning")
    assert end["measured"]


def test_personal_data_is_masked_and_identifiers_are_not() -> None:
    made, failed, *_ = lines()
    assert made["note"] == "call [masked]"
    assert made["promise_id"] == "018f2f6e-7a10-7c53-9d0e-345678901234"
    assert "6222020200112233445" not in json.dumps(failed)


def test_without_a_collector_no_trace_is_kept() -> None:
    assert lines()[-1]["sampled"] is False


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []

    async def take(request: Request) -> Response:
        received.append(await request.body())
        return Response(media_type="application/x-protobuf")

    async with serving(lambda _: Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])) as url:
        yield url, received


async def test_with_a_collector_the_spans_arrive_there(collector: tuple[str, list[bytes]]) -> None:
    url, received = collector
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_SAMPLER_ARG": "1"}
    *_, end = await asyncio.to_thread(lines, **environ)
    assert end["sampled"] is True
    assert b"process ingest.events" in b"".join(received)


@pytest.mark.parametrize("ratio", ["2", "-0.1", "half", "nan"])
def test_a_ratio_that_is_none_is_refused(ratio: str) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER_ARG": ratio}
    with pytest.raises(InvalidTelemetrySetting):
        setup_telemetry("outreach", environ)


@pytest.mark.parametrize(
    "personal", ["13812345678", "+8613812345678", "11010519491231002X", "a.b+c@mail.example.cn", "6222020200112233445"]
)
def test_the_net_catches(personal: str) -> None:
    line = mask_personal_data(None, "info", {"deep": {"list": [f"x {personal}, y"]}, "n": 13812345678})
    assert line == {"deep": {"list": ["x [masked], y"]}, "n": 13812345678}


@pytest.mark.parametrize(
    "plain",
    ["outreach/123456", "2026-01-05T08:00:00.000000+00:00", "018f2f6e-7a10-7c53-9d0e-345678901234", "L-20260105"],
)
def test_the_net_lets_identifiers_pass(plain: str) -> None:
    assert mask_personal_data(None, "info", {"x": plain}) == {"x": plain}
