"""A console on its own migrated database, with a real issuer to sign in at."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from arrears.migrations import upgrade
from arrears.projections import apply_foreign
from arrears.recorded import Recorded
from arrears.runtime import Runtime
from arrears.service import application, runtime
from arrears.settings import Settings
from arrears_local.issuer.running import RunningIssuer, running_issuer
from arrears_local.issuer.visitor import choose
from arrears_local.postgres import PostgresProcess
from console.entrypoints.definition import CONSOLE

BASE = "http://127.0.0.1:8100"
HTML = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass(frozen=True)
class Browser:
    """A person at the console: pages, cookies, and the issuer's page of choice."""

    http: httpx.AsyncClient
    issuer: RunningIssuer

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={**HTML, **headers})

    async def sign_in(self, subject: str, next_path: str = "/debtors") -> httpx.Response:
        """Go through the code flow and return the callback's answer."""
        begun = await self.http.get("/sign-in", params={"next": next_path}, headers=HTML)
        answer = await choose(self.issuer.http, begun.headers["location"], subject)
        return await self.http.get("/sign-in/callback", params=answer, headers=HTML)


@pytest.fixture
async def issuer() -> AsyncIterator[RunningIssuer]:
    async with running_issuer() as running:
        yield running


@pytest.fixture(scope="session")
async def template(postgres: PostgresProcess) -> str:
    """A migrated database to copy: migrating anew for each test would be most of its time."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute("CREATE DATABASE console_template")
    await admin.close()
    await upgrade("console", postgres.url("console_template"))
    return "console_template"


@pytest.fixture
async def console(
    postgres: PostgresProcess, template: str, issuer: RunningIssuer, unique: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Runtime]:
    """The service, bound to a database of its own."""
    name = unique("console").replace(".", "_")
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    settings = Settings.read("console", {"ARREARS_HOME": str(tmp_path), "ARREARS_OIDC_ISSUER": issuer.url})
    async with runtime(CONSOLE, replace(settings, database_url=postgres.url(name))) as bound:
        yield bound
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def app(console: Runtime, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("ARREARS_CONSOLE_URL", raising=False)
    assert "ARREARS_CONSOLE_URL" not in os.environ
    return application(console)


@pytest.fixture
async def browser(app: Any, issuer: RunningIssuer) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Browser(http, issuer)


async def hear(console: Runtime, events: list[Recorded]) -> None:
    """Take events into the read models as the consumer would."""
    async with console.database.transaction() as connection:
        await apply_foreign(connection, console.definition.projections, events)
