"""Errors as pages: whoever asked for HTML gets a page instead of a problem document, and a sign-in instead of a 401."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.entrypoints.http.render import HEADERS, page

_PROBLEM: Final = b"application/problem+json"
_TITLES: Final = {
    400: ("bad_request", ""), 403: ("forbidden", "forbidden_hint"), 404: ("not_found", ""), 422: ("bad_request", ""),
    503: ("unavailable", "unavailable_hint"),
}  # fmt: skip


class ProblemPages:
    """ASGI middleware outside the problem middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def held(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _answer(scope, start["status"], json.loads(body))(scope, receive, send)

        await self._app(scope, receive, held)


def _is_problem(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(_PROBLEM) for name, value in message["headers"])


def _answer(scope: Scope, status: int, problem: dict[str, Any]) -> Response:
    connection = HTTPConnection(scope)
    if status == 401:
        here = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", 303, headers=HEADERS)
    title, hint = _TITLES.get(status, ("failed", "failed_hint"))
    detail = problem["detail"] if status in (400, 403, 422) else ""
    if status == 403:
        detail = str(detail).removeprefix("needs one of the roles ")
    return page(connection, "problem.html", {"title": title, "hint": hint, "detail": detail}, status)
