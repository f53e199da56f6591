"""Sign in and out: OIDC code flow with PKCE; the session lives in the console's database."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.enforcement import Authenticate
from arrears.auth.principal import Principal
from arrears.auth.sign_in import SignIn
from arrears.auth.tokens import Unauthenticated
from arrears.http.problems import Problem
from console.adapters.sessions import SIGN_IN_SECONDS, Sessions, form_token
from console.entrypoints.http.cookies import forget, session_token, set_session, set_sign_in, sign_in_token
from console.entrypoints.http.render import HEADERS, language, page

_HOME: Final = "/debtors"


@dataclass(frozen=True, slots=True)
class Doors:
    """What signing in needs: the provider's flow, the sessions, and the one address under which people reach us."""

    sign_in: SignIn
    sessions: Sessions
    base_url: str


def sign_in_router(doors: Doors) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def get_sign_in(request: Request, next: str = _HOME, signed_out: bool = False) -> Response:
        target = local_path(next)
        if request.url.netloc != urlsplit(doors.base_url).netloc:
            # The provider sends people back to one address only, and the cookie must be there.
            return _redirect(f"{doors.base_url}/sign-in?next={quote(target, safe='')}")
        if signed_out:
            return page(request, "problem.html", {"title": "signed_out", "hint": "", "detail": ""})
        try:
            begun = await doors.sign_in.begin("zh-CN" if language(request) == "zh" else "en")
        except ProviderUnavailable:
            return page(
                request, "problem.html", {"title": "unavailable", "hint": "unavailable_hint", "detail": ""}, 503
            )
        response = _redirect(begun.url)
        set_sign_in(request, response, await doors.sessions.begin(begun, target), SIGN_IN_SECONDS)
        return response

    @router.get("/sign-in/callback")
    async def get_callback(request: Request) -> Response:
        under_way = await doors.sessions.take(sign_in_token(request))
        failed = {"title": "sign_in_failed", "hint": "sign_in_failed_hint", "detail": ""}
        if under_way is None:
            return page(request, "problem.html", failed, 400)
        try:
            signed_in = await doors.sign_in.complete(under_way.begun, request.query_params)
        except (Unauthenticated, ProviderUnavailable):
            return page(request, "problem.html", failed, 400)
        response = _redirect(under_way.next_path)
        forget(request, response)
        token, seconds = await doors.sessions.open(signed_in)
        set_session(request, response, token, seconds)
        return response

    @router.post("/sign-out")
    async def post_sign_out(request: Request, proof: Annotated[str, Form()] = "") -> Response:
        token = session_token(request)
        if not hmac.compare_digest(proof.encode(), form_token(token).encode()):
            raise Problem(400, "form-forged", "this form was not made by our page")
        await doors.sessions.close(token)
        response = _redirect("/sign-in?signed_out=true")
        forget(request, response)
        return response

    return router


def by_session_or(bearer: Authenticate, sessions: Sessions) -> Authenticate:
    """Authenticate people by their session, programs by their token; a request with a token never uses the cookie."""

    async def authenticate(connection: HTTPConnection) -> Principal:
        if "authorization" in connection.headers:
            return await bearer(connection)
        token = session_token(connection)
        found = await sessions.find(token) if token else None
        if found is None:
            raise Unauthenticated("no session")
        return found

    return authenticate


def local_path(asked: str) -> str:
    """Return where to go after signing in: a path of ours, never another site."""
    parts = urlsplit(asked)
    ours = not parts.scheme and not parts.netloc and asked.startswith("/") and not asked.startswith(("//", "/\\"))
    return asked if ours and asked.isprintable() else _HOME


def _redirect(to: str) -> Response:
    return RedirectResponse(to, 303, headers=HEADERS)
