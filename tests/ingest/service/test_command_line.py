"""`arrears import` and `arrears day close` against the real application behind a real issuer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.service.corebanking import booked, record
from tests.ingest.service.test_ingest import camt
from tests.service_world import ServiceWorld
from typer.testing import CliRunner

from arrears.auth.enforcement import bearer
from arrears.http.app import create_app
from arrears.testing.servers import serving
from arrears_local.issuer.running import running_issuer
from arrears_local.ports import free_port
from ingest.entrypoints import cli
from ingest.entrypoints.definition import INGEST


async def run(*arguments: str, app: str = "import") -> Any:
    command = cli.import_files if app == "import" else cli.day
    return await asyncio.to_thread(lambda: CliRunner().invoke(command, list(arguments)))


async def test_files_are_imported_and_days_closed_from_the_terminal(
    world: ServiceWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await world.hear_records([record(booked())])
    await world.project()
    good, bad = tmp_path / "credits.xml", tmp_path / "bad.bin"
    good.write_bytes(camt(("T1", "10.00", "RF18539007547034")))
    bad.write_bytes(b"nothing")
    async with running_issuer() as issuer:
        app = create_app(
            "ingest", "ingest", authenticate=bearer(issuer.verifier()), routers=INGEST.routers(world.bound)
        )
        async with serving(lambda _url: app) as url:
            monkeypatch.setenv("ARREARS_OIDC_ISSUER", issuer.url)
            monkeypatch.setenv("ARREARS_INGEST_PORT", url.rpartition(":")[2])
            imported = await run(str(good), "--json")
            again = await run(str(good))
            refused = await run(str(bad))
            closed = await run("close", "2026-02-06", app="day")
            repeated = await run("close", "2026-02-06", app="day")
            backwards = await run("close", "2026-02-05", app="day")
    assert imported.exit_code == 0, imported.output
    # The application of the test logs to the same stream, so only the last line is the command's.
    assert json.loads(imported.stdout.splitlines()[-1])[0]["applied"] == 1
    assert again.exit_code == 0
    assert (refused.exit_code, "single object" in refused.stderr) == (1, True)
    assert "2026-02-06 closed in 4 partitions: 1 loans aged" in closed.stdout
    assert repeated.stdout.endswith("2026-02-06 was closed already\n")
    assert (backwards.exit_code, "closed already" in backwards.stderr) == (1, True)


async def test_a_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_OIDC_ISSUER", f"http://127.0.0.1:{free_port()}")
    result = await run("close", "2026-02-06", app="day")
    assert (result.exit_code, "arrears up" in result.stderr) == (6, True)


async def test_wrong_usage_is_told_before_anything_is_sent() -> None:
    assert (await run("nowhere.xml")).exit_code == 2
    assert (await run("close", "yesterday", app="day")).exit_code == 2
