"""The endpoints of the development issuer: OpenID Connect discovery, code flow with PKCE, client credentials."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from arrears_local.issuer import page
from arrears_local.issuer.authorize import RefusedRequest, UnsafeRequest, back_to, read_request
from arrears_local.issuer.codes import CodeRefused, Codes, Grant
from arrears_local.issuer.directory import CLIENTS, USERS, Client
from arrears_local.issuer.tokens import ACCESS_SECONDS, mint, mint_identity

_NO_STORE: Final = {"Cache-Control": "no-store"}


class TokenRefused(Exception):
    """An error answer of the token endpoint (RFC 6749 §5.2)."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code: Final = code
        self.status: Final = status


class Issuer:
    """One issuer at `url` that signs with `key`. Time is real: tokens do not follow the virtual clock."""

    def __init__(self, url: str, key: ECKey, now: Callable[[], float] = time.time) -> None:
        self.url: Final = url
        self._key = key
        self._now = now
        self._codes = Codes(now)

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid"],
                "ui_locales_supported": ["zh-CN", "en"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, request: Request) -> Response:
        return JSONResponse(KeySet([self._key]).as_dict(private=False))

    async def authorize(self, request: Request) -> Response:
        """Show the page (GET), or take the choice and send the browser back with a code (POST)."""
        form = await request.form() if request.method == "POST" else request.query_params
        parameters = {name: value for name, value in form.items() if isinstance(value, str)}
        languages = request.headers.get("accept-language", "")
        try:
            asked = read_request(parameters, self.url)
        except UnsafeRequest as error:
            return HTMLResponse(page.error_page(str(error), languages), 400, page.HEADERS)
        except RefusedRequest as error:
            return RedirectResponse(error.location, 303)
        user = USERS.get(parameters.get("user", "")) if request.method == "POST" else None
        if user is None:
            return HTMLResponse(page.choose_page(asked.raw, languages), headers=page.HEADERS)
        grant = Grant(asked.client_id, asked.redirect_uri, asked.code_challenge, asked.nonce, user.subject)
        answer = {"code": self._codes.give(grant), "iss": self.url}
        if asked.state is not None:
            answer["state"] = asked.state
        return RedirectResponse(back_to(asked.redirect_uri, answer), 303, _NO_STORE)

    async def token(self, request: Request) -> Response:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            client = _authenticated(request.headers.get("authorization"), form)
            match form.get("grant_type"):
                case "authorization_code":
                    answer = self._for_person(client, form)
                case "client_credentials":
                    answer = self._for_client(client)
                case _:
                    raise TokenRefused("unsupported_grant_type", "use authorization_code or client_credentials")
        except TokenRefused as error:
            challenge = {"WWW-Authenticate": 'Basic realm="arrears"'} if error.status == 401 else {}
            body = {"error": error.code, "error_description": str(error)}
            return JSONResponse(body, error.status, _NO_STORE | challenge)
        return JSONResponse(answer, headers=_NO_STORE)

    def _for_person(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        given = (form.get("code", ""), client.client_id, form.get("redirect_uri", ""), form.get("code_verifier", ""))
        try:
            grant = self._codes.redeem(*given)
        except CodeRefused as error:
            raise TokenRefused("invalid_grant", str(error)) from error
        user = USERS[grant.subject]
        identity = mint_identity(
            self._key,
            issuer=self.url,
            subject=user.subject,
            name=user.name,
            client_id=client.client_id,
            nonce=grant.nonce,
            now=self._now(),
        )
        access = mint(
            self._key, issuer=self.url, subject=user.subject, roles=user.roles, name=user.name, now=self._now()
        )
        return _granted(access) | {"id_token": identity, "scope": "openid"}

    def _for_client(self, client: Client) -> dict[str, Any]:
        subject = f"service:{client.client_id}"
        return _granted(mint(self._key, issuer=self.url, subject=subject, roles=client.roles, now=self._now()))


def _granted(access: str) -> dict[str, Any]:
    return {"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS}


def _authenticated(header: str | None, form: Mapping[str, str]) -> Client:
    """Return the client that proves itself by Basic or by the form, not by both (RFC 6749 §2.3)."""
    if header is not None and "client_secret" in form:
        raise TokenRefused("invalid_request", "the client must prove itself in one way")
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if header is not None:
        scheme, _, text = header.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            scheme = ""
        if scheme.lower() != "basic":
            raise TokenRefused("invalid_client", "the Authorization header is no Basic one", 401)
    client = CLIENTS.get(client_id)
    if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise TokenRefused("invalid_client", "unknown client or wrong secret", 401)
    return client


def issuer_app(url: str, key: ECKey, now: Callable[[], float] = time.time) -> Starlette:
    """Return the application of an issuer that is reached at `url`."""
    issuer = Issuer(url, key, now)
    return Starlette(
        routes=[
            Route("/livez", issuer.live),
            Route("/.well-known/openid-configuration", issuer.discovery),
            Route("/jwks", issuer.jwks),
            Route("/authorize", issuer.authorize, methods=["GET", "POST"]),
            Route("/token", issuer.token, methods=["POST"]),
        ]
    )
