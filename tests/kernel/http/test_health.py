"""Live is not ready: `/readyz` asks every check, bounds each, and tells the kind of failure only."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from arrears.auth.policy import PUBLIC
from arrears.auth.principal import Principal
from arrears.http.app import create_app
from arrears.http.health import Check, health_router

PATHS = ("/livez", "/readyz", "/metrics", "/openapi.json")


async def nobody(connection: HTTPConnection) -> Principal:
    raise AssertionError("a probe needs no token")


async def get(path: str, **checks: Check) -> httpx.Response:
    policies = {("audit", "GET", each): PUBLIC for each in PATHS}
    app = create_app("audit", "Audit", authenticate=nobody, routers=[], readiness=checks, policies=policies)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as http:
        return await http.get(path)


async def well() -> None:
    """Pass."""


async def broken() -> None:
    raise ConnectionRefusedError("postgresql://user:secret@db is away")


async def stuck() -> None:
    await asyncio.Event().wait()


async def test_a_process_that_runs_is_live_even_when_it_is_not_ready() -> None:
    assert (await get("/livez", database=broken)).json() == {"status": "alive"}


async def test_ready_when_every_check_passes() -> None:
    answer = await get("/readyz", database=well, broker=well)
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "broker": "ok"}}


async def test_a_failed_check_is_named_without_its_text() -> None:
    answer = await get("/readyz", database=broken, broker=well)
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ConnectionRefusedError", "broker": "ok"}
    assert "secret" not in answer.text


async def test_a_stuck_check_does_not_hold_the_probe() -> None:
    app = FastAPI()
    app.include_router(health_router({"database": stuck}, check_seconds=0.01))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": "TimeoutError"})


async def test_metrics_are_prometheus_text() -> None:
    answer = await get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "python_info" in answer.text
