"""Every error of every route as RFC 9457 `application/problem+json`, and never an internal detail.

`ProblemMiddleware` stands outside the routes, so that refusals of the domain, policy failures and bugs all end here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.enforcement import NoPolicy, RoleMissing
from arrears.auth.tokens import Unauthenticated
from arrears.refusals import (
    CommandInFlight,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCommand,
    NotFound,
    Overloaded,
    Refusal,
    StaleVersion,
)
from arrears.transient import is_transient

MEDIA_TYPE: Final = "application/problem+json"
_log = structlog.get_logger("arrears.http")

# For a role to wait for a file may be right; a caller's request that lacks one has met a bug.
_NOT_PASSING: Final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)

StatusTable = Mapping[type[Exception], int]

KERNEL_STATUSES: Final[StatusTable] = {
    Refusal: 409,
    NotFound: 404,
    Forbidden: 403,
    InvalidCommand: 422,
    StaleVersion: 412,
    IdempotencyKeyReused: 422,
    CommandInFlight: 409,
}


class Problem(Exception):
    """An error of the edge itself (a header, a cursor, a body), which no rule of the domain knows."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status: Final = status
        self.code: Final = code
        self.detail: Final = detail
        self.headers: Final = dict(headers or {})


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    fields: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the problem document; `fields` become extension members and cannot hide the standard ones."""
    body = {
        **(fields or {}),
        "type": f"urn:arrears:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        body["trace_id"] = trace.format_trace_id(context.trace_id)
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def as_problem(error: Exception, statuses: StatusTable) -> JSONResponse | None:
    """Return the answer for an error that has one, None for a bug. `statuses` overrides the kernel's table."""
    match error:
        case Problem():
            return problem_response(error.status, error.code, error.detail, headers=error.headers)
        case Overloaded():
            retry = {"Retry-After": str(error.retry_after_seconds)}
            return problem_response(503, "overloaded", error.message, headers=retry)
        case Unauthenticated():
            challenge = {"WWW-Authenticate": 'Bearer realm="arrears"'}
            return problem_response(401, "unauthenticated", "a valid access token is needed", headers=challenge)
        case RoleMissing():
            return problem_response(403, "role-missing", str(error))
        case NoPolicy():
            return problem_response(403, "no-policy", "this route has no policy, so nobody may use it")
        case ProviderUnavailable():
            retry = {"Retry-After": "5"}
            return problem_response(503, "identity-provider-down", "no token can be checked now", headers=retry)
        case HTTPException():
            return _http_problem(error)
        case _:
            return _by_table(error, {**KERNEL_STATUSES, **statuses}) or _passing(error)


def _passing(error: Exception) -> JSONResponse | None:
    """Answer what passes by itself, such as a database that restarts, so that a caller repeats it with the same key."""
    if not is_transient(error) or isinstance(error, _NOT_PASSING):
        return None
    return problem_response(503, "try-again", "this cannot be answered now; repeat it", headers={"Retry-After": "1"})


def _by_table(error: Exception, statuses: StatusTable) -> JSONResponse | None:
    status = next((statuses[kind] for kind in type(error).__mro__ if kind in statuses), None)
    if status is None:
        return None
    if isinstance(error, Refusal):
        return problem_response(status, error.code, error.message, fields=error.fields)
    return problem_response(status, _slug(status), str(error))


class ProblemMiddleware:
    """Answers what the routes raise; an answer already begun is cut off, so that it cannot look complete."""

    def __init__(self, app: ASGIApp, statuses: StatusTable) -> None:
        self._app = app
        self._statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            answer = as_problem(error, self._statuses)
            if answer is None or began:
                _log.exception("http.unexpected_error", method=scope["method"], path=scope["path"])
                trace.get_current_span().record_exception(error)
            if began:
                raise
            # For the access log: callers must not learn why a token failed, and a bug's text may hold anything.
            reason = type(error).__name__ if answer is None else f"{type(error).__name__}: {error}"[:200]
            scope.setdefault("state", {})["refused_because"] = reason
            answer = answer or problem_response(500, "internal-error", "this request met an error that we logged")
            await answer(scope, receive, send)


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework raises itself: 404, 405, 413, bad multipart."""
    assert isinstance(error, HTTPException)
    return _http_problem(error)


def _http_problem(error: HTTPException) -> JSONResponse:
    return problem_response(error.status_code, _slug(error.status_code), str(error.detail), headers=error.headers)


def _slug(status: int) -> str:
    """Return a code that stays the same when a later Python renames a phrase (413 and 422 were renamed)."""
    known = {413: "content-too-large", 422: "unprocessable-content"}
    return known.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "-")


async def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer 422 with one JSON pointer a wrong field (400 when the body is no JSON); values are not repeated."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem_response(400, "malformed-json", "the body is not valid JSON")
    errors = [{"pointer": _pointer(each["loc"]), "code": each["type"], "detail": each["msg"]} for each in found]
    return problem_response(422, "invalid-request", "some fields are missing or wrong", fields={"errors": errors})


def _pointer(location: Sequence[str | int]) -> str:
    """RFC 6901 for the body, as a fragment; `query/limit` and the like for what has no document."""
    where, *rest = location
    path = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in rest)
    return f"#/{path}" if where == "body" else f"{where}/{path}"
