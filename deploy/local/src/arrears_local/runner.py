"""Bringing the local system up and down: one supervisor a home, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from arrears_local.checks import machine_checks, port_checks
from arrears_local.jars import jars_missing
from arrears_local.kafka import probe_kafka
from arrears_local.launch import log_tail
from arrears_local.plan import Plan, child_environment
from arrears_local.postgres import create_databases, probe_all
from arrears_local.refusals import AlreadyRunning, DependencyDown, LocalRefusal, PreflightFailed, StartFailed
from arrears_local.sample.load import load_sample
from arrears_local.sample.summary import as_text, summary
from arrears_local.settings import LocalSettings
from arrears_local.status import SystemStatus, alive, read_status
from arrears_local.supervisor import Report, Step, Supervisor, run_to_the_end
from arrears_local.topics import create_topics

DETACHED_START_WITHIN_SECONDS = 300.0
DOWN_WITHIN_SECONDS = 90.0


def bring_up(
    settings: LocalSettings, plan: Plan, sample: bool, tell_ready: Callable[[SystemStatus], None], report: Report
) -> None:
    """Start, tell, supervise until SIGINT or SIGTERM, stop. Raises a LocalRefusal when it cannot start."""
    asyncio.run(_run_until_signalled(settings, plan, sample, tell_ready, report))


@contextlib.asynccontextmanager
async def running_system(settings: LocalSettings, plan: Plan, report: Report) -> AsyncIterator[Supervisor]:
    """Everything of the plan is up and ready inside the block, and stopped in order after it.

    Raises AlreadyRunning, PreflightFailed, StartFailed, JarsUnavailable or DependencyDown; each says what to do.
    """
    with _only_one(settings):
        _preflight(settings, plan)
        if settings.kafka_port is not None and jars_missing(settings.cache):
            report("First start: the broker's jars (44 MB) and its class archive are made ready, once; about 25 s.")

        supervisor = Supervisor(plan, settings.home, _steps(settings, plan), report)
        await supervisor.start()
        try:
            yield supervisor
        finally:
            await supervisor.stop()


def bring_up_detached(
    settings: LocalSettings, plan: Plan, replicas: list[str], sample: bool, report: Report
) -> SystemStatus:
    """Start a supervisor in a session of its own and return when all is ready."""
    _refuse_second(settings)
    _preflight(settings, plan)
    log = settings.log_folder / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    options = [part for text in replicas for part in ("--replicas", text)] + (["--sample"] if sample else [])
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "arrears_local.cli", "up", *options],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    report(f"starting in the background, pid {child.pid}; log: {log}")
    deadline = time.monotonic() + DETACHED_START_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.2)
            raise StartFailed(f"the start failed:\n{log_tail(log, 40)}", f"read {log}")
        status = read_status(settings.home)
        if status is not None and status.supervisor == child.pid and status.state in ("ready", "degraded"):
            return status
    child.terminate()
    raise StartFailed(f"not ready within {DETACHED_START_WITHIN_SECONDS:.0f} s", f"read {log}")


def bring_down(settings: LocalSettings, wipe: bool) -> bool:
    """Stop the supervisor and, if one was killed, what it left behind. True if anything ran."""
    status = read_status(settings.home)
    ran = False
    if status is not None:
        ran = _stop_and_wait(status.supervisor, status.created)
        # What it could not stop itself, because it was killed where children do not die with their parent.
        for process in status.processes:
            ran |= process.pid is not None and _stop_and_wait(process.pid, process.created)
    if wipe and settings.home.exists():
        for entry in settings.home.iterdir():
            if entry != settings.cache:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return ran


async def _run_until_signalled(
    settings: LocalSettings, plan: Plan, sample: bool, tell_ready: Callable[[SystemStatus], None], report: Report
) -> None:
    async def run() -> None:
        async with running_system(settings, plan, report) as supervisor:
            if sample:
                await _load_sample(settings, report)
            tell_ready(supervisor.status())
            await asyncio.Event().wait()

    task = asyncio.create_task(run())

    def stop() -> None:
        report("stopping …")
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _steps(settings: LocalSettings, plan: Plan) -> tuple[Step, ...]:
    async def topics() -> None:
        if settings.kafka_port is None:
            await _or_down(probe_kafka(settings.kafka), f"the broker {settings.kafka}", "check ARREARS_KAFKA")
        await create_topics(settings.kafka, settings.partitions)

    async def tables() -> None:
        if settings.postgres_port is None:
            given = probe_all(settings.database_url)
            await _or_down(given, "the given database", "check ARREARS_DATABASE_URL and that every database exists")
        else:
            await create_databases(settings.database_url.format(service="postgres"))
        await run_to_the_end(plan.migrations)

    return (Step(frozenset({"kafka"}), topics), Step(frozenset({"postgres"}), tables))


async def _or_down(probe: Awaitable[None], what: str, remedy: str) -> None:
    try:
        await probe
    except OSError as error:
        raise DependencyDown(f"{what} does not answer: {error}", remedy) from error


async def _load_sample(settings: LocalSettings, report: Report) -> None:
    """The system is as good without its sample, so a refusal is told and ends nothing."""
    environment = child_environment(settings)
    try:
        today = await load_sample(environment, report)
        report(as_text(await summary(environment, today)))
    except LocalRefusal as refusal:
        report(f"the sample portfolio was not loaded: {refusal.message}; {refusal.remedy}")


def _preflight(settings: LocalSettings, plan: Plan) -> None:
    bad = [check for check in (*machine_checks(settings), *port_checks(plan)) if not check.ok]
    if bad:
        raise PreflightFailed(
            "this machine cannot start it now:\n"
            + "\n".join(f"  - {check.name}: {check.detail}\n    → {check.remedy}" for check in bad),
            "then start again; `arrears doctor` repeats these checks",
        )


@contextlib.contextmanager
def _only_one(settings: LocalSettings) -> Iterator[None]:
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with (settings.run_folder / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _already(settings) from error
        yield


def _refuse_second(settings: LocalSettings) -> None:
    status = read_status(settings.home)
    if status is not None and status.state != "stopped":
        raise _already(settings)


def _already(settings: LocalSettings) -> AlreadyRunning:
    return AlreadyRunning(
        f"a supervisor already runs under {settings.home}",
        "`arrears status` shows it, `arrears down` stops it; ARREARS_HOME chooses another home",
    )


def _stop_and_wait(pid: int, created: float) -> bool:
    """SIGTERM to exactly this process and wait for its end; False when it was gone before."""
    if not alive(pid, created):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_WITHIN_SECONDS
    while alive(pid, created):
        if time.monotonic() > deadline:
            raise StartFailed(f"process {pid} did not stop within {DOWN_WITHIN_SECONDS:.0f} s", "end it by its id")
        time.sleep(0.05)
    return True
