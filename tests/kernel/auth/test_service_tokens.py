"""A service proves itself to another by client credentials, keeps its token, and fetches a new one when it must."""

from __future__ import annotations

import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.principal import Role
from arrears.auth.service_tokens import ServiceTokens
from arrears.testing.servers import serving
from arrears_local.issuer.running import RunningIssuer


async def test_a_service_gets_a_token_with_its_role_and_keeps_it(issuer: RunningIssuer) -> None:
    clock = [0.0]
    tokens = ServiceTokens(issuer.url, "outreach", "outreach-development-secret", issuer.http, lambda: clock[0])
    token = await tokens.token()
    principal = await issuer.verifier().verify(token)
    assert (principal.subject, principal.roles) == ("service:outreach", frozenset({Role.service}))
    clock[0] += 8 * 3600 - 61
    assert await tokens.token() is token
    clock[0] += 2
    assert await tokens.token() is not token


async def test_a_refused_token_is_replaced_once(issuer: RunningIssuer) -> None:
    seen: list[str] = []

    async def refuse(request: Request) -> Response:
        seen.append(request.headers["authorization"])
        return Response(status_code=401)

    tokens = ServiceTokens(issuer.url, "outreach", "outreach-development-secret", issuer.http)
    async with serving(lambda _: Starlette(routes=[Route("/", refuse)])) as url:
        assert (await issuer.http.get(url, auth=tokens)).status_code == 401
    assert len(seen) == 2


@pytest.mark.parametrize("client", [("outreach", "wrong"), ("unknown", ""), ("", "")])
async def test_a_wrong_secret_is_no_client(issuer: RunningIssuer, client: tuple[str, str]) -> None:
    with pytest.raises(ProviderUnavailable, match="401"):
        await ServiceTokens(issuer.url, *client, issuer.http).token()


@pytest.mark.parametrize(
    ("header", "form", "status", "error"),
    [
        ("Bearer x", {}, 401, "invalid_client"),
        ("Basic !", {}, 401, "invalid_client"),
        (None, {}, 401, "invalid_client"),
        (None, {"client_id": "cli", "client_secret": "cli-development-secret"}, 400, "unsupported_grant_type"),
        ("Basic " + base64.b64encode(b"cli:x").decode(), {"client_secret": "x"}, 400, "invalid_request"),
    ],
)
async def test_the_token_endpoint_says_what_is_wrong(
    issuer: RunningIssuer, header: str | None, form: dict[str, str], status: int, error: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await issuer.http.post(f"{issuer.url}/token", data=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_provider_that_is_away_is_said_to_be() -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        with pytest.raises(ProviderUnavailable):
            await ServiceTokens("http://127.0.0.1:1", "cli", "x", http).token()
