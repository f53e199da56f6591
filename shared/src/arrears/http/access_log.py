"""One structured line a request: who, which route, how it ended, how long. Never the query or the body."""

from __future__ import annotations

import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_log = structlog.get_logger("arrears.access")


class AccessLogMiddleware:
    """Outermost, so that it sees the status that the caller sees. Probes are left out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET_PATHS:
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            _write(scope, status, time.perf_counter() - started)


def _write(scope: Scope, status: int, seconds: float) -> None:
    state = scope.get("state", {})
    principal = state.get("principal")
    fields = {
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", None),
        "path": scope["path"],
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "subject": getattr(principal, "subject", None),
        "refused_because": state.get("refused_because"),
    }
    _log.info("http.request", **{name: value for name, value in fields.items() if value is not None})
