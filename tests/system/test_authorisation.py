"""Every route of every running service, asked by every role and by nobody: the policy table is what really happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from tests.architecture.test_route_policies import NOT_BUILT
from tests.system.browser import browsing
from tests.system.running import System

from arrears.auth.policy import POLICY, SERVICES, Policy
from arrears.auth.principal import Role

REFUSED: Final = frozenset({401, 403})
# A body that no route accepts and no rule can act on: what is asked is only who may ask.
NOTHING: Final = b"{}"


def routes(service: str) -> Iterator[tuple[str, str, Policy]]:
    """Yield method, address and policy of a service's routes; every placeholder becomes an id that nothing has."""
    for (owner, method, path), policy in POLICY.items():
        if owner == service and (owner, method, path) not in NOT_BUILT:
            yield method, "/".join("0" if part.startswith("{") else part for part in path.split("/")), policy


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_may_do_what_its_policy_says_and_nothing_else(system: System, service: str) -> None:
    tokens = {role: system.token_of(role) for role in Role}
    async with httpx.AsyncClient(base_url=system.doors.url(service), timeout=60, trust_env=False) as http:
        tried = [
            (method, path, role, expected(policy, role), _ask(http, method, path, tokens.get(role) if role else None))
            for method, path, policy in routes(service)
            for role in (None, *Role)
        ]
        answers = await asyncio.gather(*(answer for *_, answer in tried))
    wrong = [
        f"{method} {path} as {role or 'nobody'}: {answer.status_code}, expected {wanted or 'to be let in'}"
        for (method, path, role, wanted, _), answer in zip(tried, answers, strict=True)
        if (answer.status_code != wanted if wanted else answer.status_code in REFUSED)
    ]
    assert wrong == []


def expected(policy: Policy, role: Role | None) -> int:
    """Return the status that a caller must get, 0 when the caller is let in (whatever comes of it then)."""
    if policy.public:
        return 0
    if role is None:
        return 401
    return 0 if role in policy.roles else 403


async def _ask(http: httpx.AsyncClient, method: str, path: str, token: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "who-may-ask"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return await http.request(method, path, content=NOTHING if method == "POST" else None, headers=headers)


async def test_every_page_asks_who_one_is(system: System) -> None:
    pages = [path for method, path, policy in routes("console") if method == "GET" and not policy.public]
    assert "/debtors" in pages
    async with browsing(system) as browser:
        for path in (one for one in pages if not one.startswith("/v1/")):
            answer = await browser.get(path, follow=False)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in"), path
