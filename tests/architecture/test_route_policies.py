"""Every route of every service has a policy that really refuses: a matrix of all routes and all roles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module

import httpx
import pytest
from fastapi import FastAPI

from arrears.auth.enforcement import unprotected_routes
from arrears.auth.policy import POLICY, SERVICES
from arrears.auth.principal import Role
from arrears.auth.service_tokens import ServiceTokens
from arrears.clock import SystemClock
from arrears.database import Database
from arrears.runtime import Runtime, ServiceDefinition
from arrears.service import application
from arrears.settings import Settings
from arrears_local.issuer.running import RunningIssuer, running_issuer

Apps = dict[str, FastAPI]


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[RunningIssuer]:
    async with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
async def apps(issuer: RunningIssuer) -> AsyncIterator[Apps]:
    """The real applications of all services, bound to a database that nobody connects to."""
    async with AsyncExitStack() as stack:
        made = {}
        for service in SERVICES:
            definition: ServiceDefinition = getattr(import_module(f"{service}.entrypoints.definition"), service.upper())
            settings = Settings.read(service, {"ARREARS_OIDC_ISSUER": issuer.url})
            tokens = ServiceTokens(issuer.url, service, f"{service}-development-secret", issuer.http)
            bound = Runtime(definition, settings, Database(settings.database_url), SystemClock(), issuer.http, tokens)
            stack.push_async_callback(bound.commands.close)
            made[service] = application(bound)
        yield made


async def ask(app: FastAPI, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """Ask a route with each parameter of its path filled in; no redirect is followed."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        return await http.request(method, re.sub(r"{[^}]+}", "7", path), headers=headers)


# Policies decided before their routes are built; a service that builds one takes it out of here.
NOT_BUILT = {("ingest", "POST", "/v1/reveals"), ("audit", "GET", "/v1/timeline")}
PROTECTED = [row for row, policy in POLICY.items() if not policy.public and row not in NOT_BUILT]


@pytest.mark.parametrize("service", SERVICES)
def test_each_route_has_a_policy_and_each_policy_a_route(apps: Apps, service: str) -> None:
    app = apps[service]
    assert unprotected_routes(app, service) == []
    routes = {(service, m, getattr(r, "path", "")) for r in app.routes for m in getattr(r, "methods", None) or {"GET"}}
    assert {row for row in POLICY if row[0] == service} - routes == {row for row in NOT_BUILT if row[0] == service}


@pytest.mark.parametrize("row", PROTECTED, ids=" ".join)
async def test_a_stranger_gets_nothing(apps: Apps, row: tuple[str, str, str]) -> None:
    service, method, path = row
    assert (await ask(apps[service], method, path, {})).status_code == 401
    if service == "console" and not path.startswith("/v1/") and method == "GET":
        page = await ask(apps[service], method, path, {"Accept": "text/html"})
        assert (page.status_code, page.headers["location"][:14]) == (303, "/sign-in?next=")


@pytest.mark.parametrize("row", PROTECTED, ids=" ".join)
async def test_each_role_that_is_not_named_is_refused(
    apps: Apps, issuer: RunningIssuer, row: tuple[str, str, str]
) -> None:
    service, method, path = row
    others = frozenset(Role) - POLICY[row].roles
    for roles in ({role} for role in others):
        assert (await ask(apps[service], method, path, issuer.bearer(*roles))).status_code == 403
    if others:
        assert (await ask(apps[service], method, path, issuer.bearer(*others))).status_code == 403
