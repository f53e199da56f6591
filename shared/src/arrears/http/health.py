"""`/livez` (the process runs), `/readyz` (it can work now) and `/metrics` (Prometheus text)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.responses import JSONResponse, Response

from arrears.http.problems import problem_response

CHECK_SECONDS: Final = 2.0

Check = Callable[[], Awaitable[object]]
"""Raises when the thing it asks about cannot be used now."""


def health_router(
    readiness: Mapping[str, Check],
    registry: CollectorRegistry = REGISTRY,
    check_seconds: float = CHECK_SECONDS,
) -> APIRouter:
    """Return the three routes; `/readyz` runs every check of `readiness` at once, each at most `check_seconds`."""
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", response_model=None)
    async def readyz() -> JSONResponse:
        found = await asyncio.gather(*(_outcome(check, check_seconds) for check in readiness.values()))
        checks = dict(zip(readiness, found, strict=True))
        if any(outcome != "ok" for outcome in found):
            failed = ", ".join(sorted(name for name, outcome in checks.items() if outcome != "ok"))
            return problem_response(503, "not-ready", f"not ready: {failed}", fields={"checks": checks})
        return JSONResponse({"status": "ready", "checks": checks})

    @router.get("/metrics", response_model=None)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _outcome(check: Check, seconds: float) -> str:
    """Return `ok` or the kind of failure: the message may name hosts or users and stays inside."""
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception as error:
        return type(error).__name__
    return "ok"
