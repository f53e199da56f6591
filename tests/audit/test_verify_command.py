"""`arrears audit verify`: from the first event, against the heads and the publisher's own rows; exit code 4."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from tests.audit.logs import Auditor, Publisher

from arrears.database import Database
from arrears_local.ports import free_port
from audit.adapters.full_check import LogReport
from audit.entrypoints.cli import verify_logs

LOANS = [f"loan-{i}" for i in range(9)]


class Command:
    """The command with an environment of the test's own; only ingest's database exists."""

    def __init__(self, audit_url: str, ingest_url: str, home: Path) -> None:
        nowhere = f"postgresql://arrears@127.0.0.1:{free_port()}/{{service}}"
        self.environ = {
            "PATH": os.environ["PATH"], "ARREARS_HOME": str(home), "ARREARS_DATABASE_URL": nowhere,
            "ARREARS_AUDIT_DATABASE_URL": audit_url, "ARREARS_INGEST_DATABASE_URL": ingest_url,
        }  # fmt: skip

    async def run(self, *arguments: str) -> tuple[int, str]:
        code = "from audit.entrypoints.cli import app; app()"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, "verify", *arguments, env=self.environ, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def ingest(self, *, copy_only: bool = False) -> LogReport:
        """Check inside this process, which spares the start of a new one."""
        reports = await verify_logs(self.environ, copy_only=copy_only)
        return next(report for report in reports if report.service == "ingest")


def bad(report: LogReport) -> list[tuple[str, int]]:
    assert report.status == "violated"
    return [(violation.kind, violation.position) for violation in report.violations]


@pytest.fixture
async def command(audit_url: str, database_url: str, publisher: Publisher, auditor: Auditor, tmp_path: Path) -> Command:
    for _ in range(3):
        await auditor.hear(await publisher.charge(*LOANS))
        await publisher.seal()
    await auditor.receive(await publisher.heads())
    return Command(audit_url, database_url, tmp_path)


async def tamper(database: Database, statement: str) -> None:
    """Change the past as somebody with the owner's password could."""
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE es.event DISABLE TRIGGER append_only")
        await connection.execute(statement)


async def test_a_whole_log_is_ok(command: Command) -> None:
    log = await command.ingest()
    assert (log.status, log.events, log.heads, log.compared, log.violations) == ("ok", 27, 3, 27, ())


async def test_an_event_changed_by_its_publisher_is_located(command: Command, database: Database) -> None:
    await tamper(database, "UPDATE es.event SET data = set_byte(data, 20, 65) WHERE position = 14")
    assert bad(await command.ingest()) == [("hash_mismatch", 14)]


async def test_an_event_removed_by_its_publisher_is_located(command: Command, database: Database) -> None:
    await tamper(database, "DELETE FROM es.event WHERE position = 20")
    assert bad(await command.ingest()) == [("position_gap", 20)]


async def test_a_changed_copy_does_not_fit_the_heads(command: Command, auditor: Auditor) -> None:
    await auditor.spoil("UPDATE read.copy SET version = 9 WHERE position = 12")
    log = await command.ingest(copy_only=True)
    assert (log.first_bad_position, log.compared) == (12, None)
    assert {position for _, position in bad(log)} == {12, 18, 27}, "the event, and each head over it"


async def test_a_gap_in_the_copy_is_located(command: Command, auditor: Auditor) -> None:
    await auditor.spoil("DELETE FROM read.copy WHERE position = 5")
    assert (await command.ingest(copy_only=True)).first_bad_position == 5


async def test_a_forged_head_is_found(command: Command, auditor: Auditor) -> None:
    await auditor.spoil(
        "UPDATE audit.head SET signature = set_byte(signature, 0, 255 - get_byte(signature, 0)) WHERE size = 18"
    )
    assert bad(await command.ingest(copy_only=True)) == [("bad_signature", 18)]


async def test_a_log_that_is_ahead_of_the_copy_is_no_violation(command: Command, publisher: Publisher) -> None:
    await publisher.charge("loan-1")
    log = await command.ingest()
    assert (log.status, log.violations) == ("behind", ())


async def test_it_can_be_read_by_people(command: Command) -> None:
    code, out = await command.run()
    assert (code, "27" in out) == (0, True)


async def test_programs_get_json_and_exit_code_4(command: Command, database: Database) -> None:
    await tamper(database, "DELETE FROM es.event WHERE position = 20")
    code, out = await command.run("--json")
    log = json.loads(out)["logs"][0]
    assert (code, log["service"], log["first_bad_position"]) == (4, "ingest", 20)


async def test_a_database_that_is_away_is_said_to_be(command: Command) -> None:
    command.environ["ARREARS_AUDIT_DATABASE_URL"] = command.environ["ARREARS_DATABASE_URL"].format(service="audit")
    code, out = await command.run("--json")
    assert (code, out) == (6, "")
