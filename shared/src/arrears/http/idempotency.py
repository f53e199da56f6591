"""`Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header-07): 400 without it.

What a repeated key answers is the event store's business; this module only reads the key.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from arrears.auth.policy import Policy
from arrears.http.problems import Problem

_KEY: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")  # visible ASCII without quote and backslash


def parse_key(header: str | None) -> str:
    """Return the key. The draft wants a quoted structured-field string; the bare form that most clients send passes.

    Raises:
        Problem: 400, the header is missing, empty, longer than 255 characters or not visible ASCII.
    """
    if header is None:
        raise Problem(400, "idempotency-key-missing", "a POST needs an Idempotency-Key header, e.g. a fresh UUID")
    text = header.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not _KEY.fullmatch(text):
        raise Problem(400, "idempotency-key-invalid", "Idempotency-Key must be 1 to 255 visible ASCII characters")
    return text


class IdempotencyMiddleware:
    """Refuses a POST without a key before its body is read, where the route's policy asks for one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            policy = scope.get("state", {}).get("policy")
            if isinstance(policy, Policy) and policy.key_required:
                values = Headers(scope=scope).getlist("idempotency-key")
                if len(values) > 1:
                    raise Problem(400, "idempotency-key-invalid", "there is more than one Idempotency-Key header")
                scope["state"]["idempotency_key"] = parse_key(values[0] if values else None)
        await self._app(scope, receive, send)


def idempotency_key(request: Request) -> str:
    """Return the key of this POST.

    Raises:
        Problem: 400 as in `parse_key` (for a route whose policy does not ask for a key).
    """
    found = getattr(request.state, "idempotency_key", None)
    return found if isinstance(found, str) else parse_key(request.headers.get("idempotency-key"))


IdempotencyKey = Annotated[str, Depends(idempotency_key)]
