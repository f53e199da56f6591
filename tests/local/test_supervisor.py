"""The supervisor starts in order, restarts what dies, says why a start failed, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from arrears_local.launch import Launch
from arrears_local.plan import Group, Plan, Process
from arrears_local.refusals import StartFailed
from arrears_local.status import ProcessStatus, SystemStatus, read_status
from arrears_local.supervisor import Step, Supervisor, run_to_the_end

from .conftest import MakeProcess


def plan(*processes: Process) -> Plan:
    return Plan(processes, (), "http://127.0.0.1:8100")


async def nothing() -> None:
    return None


MakeSupervisor = Callable[..., Supervisor]


@pytest.fixture
async def reports() -> list[str]:
    return []


@pytest.fixture
async def supervise(tmp_path: Path, reports: list[str]) -> AsyncIterator[MakeSupervisor]:
    made: list[Supervisor] = []

    def make(what: Plan, *steps: Step) -> Supervisor:
        made.append(Supervisor(what, tmp_path, steps, reports.append))
        return made[-1]

    yield make
    for supervisor in made:
        await supervisor.stop()


def named(status: SystemStatus, name: str) -> ProcessStatus:
    return next(process for process in status.processes if process.name == name)


async def test_a_step_waits_for_what_it_needs_only_and_services_wait_for_every_step(
    supervise: MakeSupervisor, server_process: MakeProcess, tmp_path: Path
) -> None:
    seen: dict[str, dict[str, str]] = {}
    broker_may_start = asyncio.Event()

    async def tables() -> None:
        seen["tables"] = {process.name: process.state for process in supervisor.status().processes}
        broker_may_start.set()

    async def topics() -> None:
        seen["topics"] = {process.name: process.state for process in supervisor.status().processes}

    database, service = server_process("postgres", Group.INFRASTRUCTURE), server_process("ingest")
    broker = server_process("kafka", Group.INFRASTRUCTURE)

    async def probe_late() -> None:
        await broker_may_start.wait()
        await broker.probe()

    late_broker = dataclasses.replace(broker, probe=probe_late)
    steps = (Step(frozenset({"kafka"}), topics), Step(frozenset({"postgres"}), tables))
    supervisor = supervise(plan(database, late_broker, service), *steps)
    status = await supervisor.start()

    assert seen == {
        "tables": {"postgres": "ready", "kafka": "starting", "ingest": "waiting"},
        "topics": {"postgres": "ready", "kafka": "ready", "ingest": "waiting"},
    }
    assert status.state == "ready"
    assert read_status(tmp_path) == status


async def test_a_killed_process_is_restarted_and_reported(
    supervise: MakeSupervisor, server_process: MakeProcess, reports: list[str], tmp_path: Path
) -> None:
    supervisor = supervise(plan(server_process("outreach"), server_process("legal")))
    before = await supervisor.start()
    victim = named(before, "outreach")
    assert victim.pid is not None

    os.kill(victim.pid, signal.SIGKILL)
    await supervisor.until(lambda status: status.state == "degraded")
    after = await supervisor.until(lambda status: status.state == "ready")

    restarted = named(after, "outreach")
    assert restarted.pid != victim.pid
    assert (restarted.restarts, restarted.last_exit) == (1, -signal.SIGKILL)
    assert named(after, "legal") == named(before, "legal")
    assert reports[0].startswith("outreach ended by signal 9; restart 1 in 0.25 s")
    assert reports[1].startswith("outreach is ready again")
    assert read_status(tmp_path) == after


async def test_back_off_doubles_while_a_process_keeps_dying(
    supervise: MakeSupervisor, server_process: MakeProcess, reports: list[str]
) -> None:
    supervisor = supervise(plan(server_process("scoring")))
    status = await supervisor.start()
    for _ in range(2):
        pid = named(status, "scoring").pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await supervisor.until(lambda now: now.state == "degraded")
        status = await supervisor.until(lambda now: now.state == "ready")

    assert [report.split(" in ")[1].split(" (")[0] for report in reports if "restart" in report] == ["0.25 s", "0.5 s"]


async def test_a_process_that_never_gets_ready_fails_the_start_with_its_last_words(
    supervise: MakeSupervisor, server_process: MakeProcess
) -> None:
    broken = server_process("ingest", program="raise SystemExit('the vault key is missing')")
    healthy = server_process("legal")
    supervisor = supervise(plan(healthy, broken))

    with pytest.raises(
        StartFailed, match="ingest ended with exit code 1 before it was ready:\nthe vault key is missing"
    ):
        await supervisor.start()

    assert named(supervisor.status(), "ingest").state == "failed"
    assert named(supervisor.status(), "legal").state == "stopped"


async def test_a_failed_migration_stops_the_start(
    supervise: MakeSupervisor, server_process: MakeProcess, tmp_path: Path
) -> None:
    argv = (sys.executable, "-c", "raise SystemExit('relation event exists')")
    migration = Launch("legal-migrate", argv, tmp_path / "migrate.log")
    step = Step(frozenset({"postgres"}), partial(run_to_the_end, [migration]))
    supervisor = supervise(plan(server_process("postgres", Group.INFRASTRUCTURE), server_process("legal")), step)

    with pytest.raises(StartFailed, match="legal-migrate failed with exit code 1:\nrelation event exists"):
        await supervisor.start()

    assert named(supervisor.status(), "legal").pid is None


async def test_a_preparation_that_refuses_fails_the_start_as_it_is(supervise: MakeSupervisor) -> None:
    def refuse() -> Launch:
        raise StartFailed("no jars", "fetch them")

    process = Process("kafka", Group.INFRASTRUCTURE, refuse, nothing, 1)

    with pytest.raises(StartFailed, match="no jars"):
        await supervise(plan(process)).start()


async def test_stop_ends_all_processes_and_says_so_in_the_status_file(
    supervise: MakeSupervisor, server_process: MakeProcess, tmp_path: Path
) -> None:
    supervisor = supervise(plan(server_process("postgres", Group.INFRASTRUCTURE), server_process("audit")))
    started = await supervisor.start()
    pids = [process.pid for process in started.processes]

    await supervisor.stop()

    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)
    status = read_status(tmp_path)
    assert status is not None
    assert {process.state for process in status.processes} == {"stopped"}
