"""A person signs in through a real issuer: code with PKCE, and what goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.keys import ProviderKeys
from arrears.auth.principal import Role
from arrears.auth.sign_in import SignIn
from arrears.auth.tokens import Unauthenticated
from arrears_local.issuer.running import RunningIssuer
from arrears_local.issuer.visitor import ChoiceRefused, choose, sign_in

CALLBACK = "http://127.0.0.1:8100/sign-in/callback"


@pytest.fixture
def flow(issuer: RunningIssuer) -> SignIn:
    keys = ProviderKeys(issuer.url, issuer.http)
    return SignIn(keys, "console", "console-development-secret", CALLBACK, issuer.http)


async def test_a_chosen_user_is_signed_in_with_that_users_roles(issuer: RunningIssuer, flow: SignIn) -> None:
    begun = await flow.begin("zh-CN")
    signed_in = await flow.complete(begun, await choose(issuer.http, begun.url, "legal-2"))
    assert signed_in.principal.roles == {Role.legal}
    assert signed_in.principal.name == "Peter Novak"
    assert await issuer.verifier().verify(signed_in.access_token) == signed_in.principal


async def test_a_code_works_once(issuer: RunningIssuer, flow: SignIn) -> None:
    begun = await flow.begin()
    answer = await choose(issuer.http, begun.url, "lead-1")
    await flow.complete(begun, answer)
    with pytest.raises(ProviderUnavailable, match="400"):
        await flow.complete(begun, answer)


async def test_a_stolen_code_is_worthless_without_the_verifier(issuer: RunningIssuer, flow: SignIn) -> None:
    begun = await flow.begin()
    answer = await choose(issuer.http, begun.url, "lead-1")
    thief = replace(begun, code_verifier="x" * 43)
    with pytest.raises(ProviderUnavailable, match="400"):
        await flow.complete(thief, answer)


async def test_an_answer_to_another_sign_in_is_refused(issuer: RunningIssuer, flow: SignIn) -> None:
    mine, other = await flow.begin(), await flow.begin()
    with pytest.raises(Unauthenticated, match="state"):
        await flow.complete(mine, await choose(issuer.http, other.url, "lead-1"))
    answer = await choose(issuer.http, mine.url, "lead-1")
    with pytest.raises(Unauthenticated, match="another sign-in"):
        await flow.complete(replace(mine, nonce="other"), answer)


@pytest.mark.parametrize("changed", [{"iss": "http://127.0.0.1:1"}, {"error": "access_denied"}, {"code": ""}])
async def test_an_answer_of_another_issuer_or_without_a_code_is_refused(
    issuer: RunningIssuer, flow: SignIn, changed: dict[str, str]
) -> None:
    begun = await flow.begin()
    answer = await choose(issuer.http, begun.url, "lead-1")
    with pytest.raises(Unauthenticated):
        await flow.complete(begun, answer | changed)


async def test_the_page_offers_everybody_and_an_invented_user_gets_the_page_again(
    issuer: RunningIssuer, flow: SignIn
) -> None:
    begun = await flow.begin()
    with pytest.raises(ChoiceRefused):
        await choose(issuer.http, begun.url, "root")
    page = await issuer.http.get(begun.url, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert page.text.count("<button") == 11
    assert '<html lang="zh-CN">' in page.text
    assert "登录" in page.text
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def ask(issuer: RunningIssuer, flow: SignIn, **changed: str | None) -> httpx.Response:
    """Send the authorization request of a fresh sign-in with some parameters changed or left out."""
    parts = urlsplit((await flow.begin()).url)
    query = {name: value for name, value in (dict(parse_qsl(parts.query)) | changed).items() if value is not None}
    return await issuer.http.get(parts._replace(query="").geturl(), params=query)


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "unknown"},
        {"client_id": "scoring"},
        {"redirect_uri": "http://evil.example/sign-in/callback"},
        {"redirect_uri": "http://127.0.0.1:8100/elsewhere"},
        {"redirect_uri": "https://127.0.0.1:8100/sign-in/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example/sign-in/callback"},
        {"redirect_uri": None},
    ],
)
async def test_an_unsafe_request_sends_the_browser_nowhere(
    issuer: RunningIssuer, flow: SignIn, changed: dict[str, str | None]
) -> None:
    answer = await ask(issuer, flow, **changed)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
async def test_without_the_code_flow_and_s256_the_client_is_told_so(
    issuer: RunningIssuer, flow: SignIn, changed: dict[str, str | None], error: str
) -> None:
    answer = await ask(issuer, flow, **changed)
    assert answer.headers["location"].startswith(CALLBACK)
    assert dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"] == error


async def test_the_simulator_can_become_two_different_people(issuer: RunningIssuer) -> None:
    first, second = [await sign_in(issuer.http, issuer.url, subject) for subject in ("legal-1", "legal-2")]
    assert first.principal.subject != second.principal.subject
