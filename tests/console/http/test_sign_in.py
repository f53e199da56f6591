"""Signing in and out, and who may see what."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.console.conftest import BASE, HTML, Browser

from arrears.auth.principal import Role
from arrears.runtime import Runtime
from arrears.service import application
from arrears_local.ports import free_port
from console.entrypoints.http.sign_in import local_path


async def test_a_stranger_is_sent_to_sign_in_and_comes_back(browser: Browser) -> None:
    answer = await browser.get("/debtors?q=L-1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fdebtors%3Fq%3DL-1"
    back = await browser.sign_in("collector-1", "/debtors?q=L-1")
    assert (back.status_code, back.headers["location"]) == (303, "/debtors?q=L-1")
    page = await browser.get("/debtors")
    assert page.status_code == 200
    assert "陈静 Chen Jing" in page.text


async def test_the_flow_uses_pkce_and_a_cookie_that_scripts_cannot_read(browser: Browser) -> None:
    begun = await browser.get("/sign-in")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{BASE}/sign-in/callback"]
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_over_https_the_cookie_is_bound_to_the_host(app: object, browser: Browser) -> None:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1:8100") as http:
        cookie = (await http.get("/sign-in", headers=HTML)).headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_another_host_name_is_led_to_the_one_the_provider_knows(browser: Browser) -> None:
    answer = await browser.http.get("/sign-in", headers={**HTML, "Host": "localhost:8100"})
    assert answer.headers["location"] == f"{BASE}/sign-in?next=%2Fdebtors"


@pytest.mark.parametrize("answer", [{}, {"state": "other", "code": "x"}, {"error": "access_denied"}])
async def test_a_callback_that_we_did_not_begin_signs_nobody_in(browser: Browser, answer: dict[str, str]) -> None:
    await browser.get("/sign-in")
    failed = await browser.http.get("/sign-in/callback", params=answer, headers=HTML)
    assert failed.status_code == 400
    assert "sign-in was not finished" in failed.text
    assert (await browser.get("/debtors")).status_code == 303


async def test_a_callback_works_once(browser: Browser) -> None:
    await browser.get("/sign-in")
    cookies = dict(browser.http.cookies)
    await browser.sign_in("lead-1")
    browser.http.cookies.update(cookies)
    assert (await browser.get("/sign-in/callback?state=x&code=y")).status_code == 400


async def test_signing_out_ends_the_session_on_the_server(browser: Browser) -> None:
    await browser.sign_in("lead-1")
    kept = dict(browser.http.cookies)
    page = await browser.get("/debtors")
    proof = re.search(r'name="proof" value="(\w+)"', page.text)
    assert proof is not None
    forged = await browser.http.post("/sign-out", data={"proof": "0" * 64}, headers=HTML)
    assert forged.status_code == 400
    done = await browser.http.post("/sign-out", data={"proof": proof.group(1)}, headers=HTML)
    assert done.headers["location"] == "/sign-in?signed_out=true"
    browser.http.cookies.update(kept)
    assert (await browser.get("/debtors")).status_code == 303
    assert "You are signed out" in (await browser.get("/sign-in?signed_out=true")).text


async def test_an_old_session_is_none(browser: Browser, console: Runtime) -> None:
    await browser.sign_in("lead-1")
    async with console.database.connection() as connection:
        await connection.execute("UPDATE console.session SET expires_at = now() - interval '1 second'")
    assert (await browser.get("/debtors")).status_code == 303


async def test_an_agency_sees_that_it_may_not(browser: Browser) -> None:
    await browser.sign_in("agency-1")
    answer = await browser.get("/debtors")
    assert answer.status_code == 403
    assert "Not permitted" in answer.text
    assert "collector" in answer.text


async def test_programs_use_tokens_and_get_problems(browser: Browser) -> None:
    refused = await browser.http.get("/v1/timeline?debtor_id=x")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    answer = await browser.http.get("/v1/timeline?debtor_id=x", headers=browser.issuer.bearer(Role.auditor))
    assert answer.json() == {"events": []}


async def test_a_bad_token_is_not_saved_by_a_good_cookie(browser: Browser) -> None:
    await browser.sign_in("auditor-1")
    answer = await browser.http.get("/v1/timeline?debtor_id=x", headers={"Authorization": "Bearer forged"})
    assert answer.status_code == 401


async def test_a_provider_that_is_away_is_said_to_be(console: Runtime) -> None:
    lonely = replace(console, settings=replace(console.settings, issuer=f"http://127.0.0.1:{free_port()}"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application(lonely)), base_url=BASE) as http:
        answer = await http.get("/sign-in", headers=HTML)
    assert answer.status_code == 503
    assert "Sign-in is not possible now" in answer.text


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/debtors/x?lang=zh", "/debtors/x?lang=zh"),
        ("//evil.example/x", "/debtors"),
        ("/\\evil.example", "/debtors"),
        ("https://evil.example/", "/debtors"),
        ("javascript:alert(1)", "/debtors"),
        ("debtors", "/debtors"),
        ("/a\r\nSet-Cookie: x=y", "/debtors"),
        ("", "/debtors"),
    ],
)
def test_after_signing_in_people_stay_here(asked: str, goes: str) -> None:
    assert local_path(asked) == goes
