"""Starts every process of a plan in order, keeps each running, reports what dies, and stops all in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from arrears_local.launch import Launch, log_tail, spawn_async
from arrears_local.plan import Group, Plan, Process
from arrears_local.refusals import StartFailed
from arrears_local.status import ProcessStatus, SystemStatus, created_at, write_status
from arrears_local.waiting import wait_until_ready

READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 25.0
FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 8.0
# A process that was ready this long and then dies is restarted as if for the first time.
FORGIVEN_AFTER_SECONDS = 3.0
# One that never got ready is given up after so many tries, so that a start fails with its reason.
TRIES_BEFORE_READY = 4

Report = Callable[[str], None]


class Supervised:
    """One process under supervision: start, readiness, restart with back-off, end."""

    def __init__(self, process: Process, changed: Callable[[], None], report: Report) -> None:
        self.process = process
        self.status = ProcessStatus(process.name, process.group, "waiting", process.port, process.url)
        self.first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed = changed
        self._report = report
        self._stopping = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._launch: Launch | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.process.name}")

    async def stop(self) -> None:
        """Ask, wait, and end it when it does not listen."""
        self._stopping.set()
        if self._child is not None and self._launch is not None and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(self._launch.stop_signal)
            try:
                await asyncio.wait_for(self._child.wait(), STOP_WITHIN_SECONDS)
            except TimeoutError:
                self._report(f"{self.process.name} did not stop within {STOP_WITHIN_SECONDS:.0f} s and was ended")
                self._child.kill()
        if self._keeper is not None:
            with contextlib.suppress(StartFailed):
                await self._keeper
        self._set(state="stopped", pid=None)

    async def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            was_ready_seconds = await self._run_once()
            if self._stopping.is_set():
                return
            failures = 1 if was_ready_seconds > FORGIVEN_AFTER_SECONDS else failures + 1
            if not self.first_ready.done() and failures >= TRIES_BEFORE_READY:
                self._give_up()
                return
            backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), LONGEST_BACKOFF_SECONDS)
            self._set(state="restarting", pid=None, restarts=self.status.restarts + 1)
            self._report(
                f"{self.process.name} ended {_cause(self.status.last_exit)}; restart {self.status.restarts} "
                f"in {backoff:g} s (log: {self.status.log})"
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff)

    async def _run_once(self) -> float:
        """Run the process until it ends; the answer is how long it was ready, in seconds."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            self._launch = await asyncio.to_thread(self.process.prepare)
        except Exception as error:  # whatever preparation refuses is this start's failure, told to who waits for it
            self._fail(error)
            return 0.0
        if self._stopping.is_set():
            return 0.0
        child = self._child = await spawn_async(self._launch)
        self._set(state="starting", pid=child.pid, created=created_at(child.pid), log=str(self._launch.log))
        ready = asyncio.create_task(self._await_ready(child, begun))
        code = await child.wait()
        ready.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ready
        lasted = 0.0
        if self.status.state == "ready":
            lasted = loop.time() - begun - (self.status.ready_after_seconds or 0.0)
        self._set(last_exit=code)
        return lasted

    async def _await_ready(self, child: asyncio.subprocess.Process, begun: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            await wait_until_ready(self.process.probe, lambda: child.returncode, READY_WITHIN_SECONDS)
        except TimeoutError as error:
            self._set(note=str(error))
            if child.returncode is None:
                self._report(f"{self.process.name} is silent: {error}; it is ended and tried again")
                child.kill()
            return
        self._set(state="ready", ready_after_seconds=round(loop.time() - begun, 2), note="")
        if self.first_ready.done():
            self._report(f"{self.process.name} is ready again (pid {child.pid})")
        else:
            self.first_ready.set_result(None)

    def _give_up(self) -> None:
        log = self._launch.log if self._launch is not None else Path()
        why = f"{self.process.name} ended {_cause(self.status.last_exit)} before it was ready"
        self._fail(StartFailed(f"{why}:\n{log_tail(log)}", f"read {log}, mend the cause and start again"))

    def _fail(self, error: Exception) -> None:
        self._stopping.set()
        self._set(state="failed", note=str(error).splitlines()[0], pid=None)
        if not self.first_ready.done():
            self.first_ready.set_exception(error)
        else:
            self._report(f"{self.process.name} cannot be restarted: {error}")

    def _set(self, **changes: object) -> None:
        if self.status.state == "failed":
            changes.pop("state", None)
        self.status = msgspec.structs.replace(self.status, **changes)
        self._changed()


@dataclass(frozen=True)
class Step:
    """Work to be done before services start, as soon as the named processes of the plan are ready."""

    needs: frozenset[str]
    run: Callable[[], Awaitable[None]]


class Supervisor:
    """Runs one plan: infrastructure and helpers first, the steps as soon as they can, then the services."""

    def __init__(self, plan: Plan, home: Path, steps: Sequence[Step], report: Report) -> None:
        self._plan = plan
        self._home = home
        self._steps = steps
        self._report = report
        self._state = "starting"
        self._created = created_at()
        self._change = asyncio.Condition()
        self._told: set[asyncio.Task[None]] = set()
        self._supervised = [Supervised(process, self._note_change, report) for process in plan.processes]

    def status(self) -> SystemStatus:
        processes = [supervised.status for supervised in self._supervised]
        state = self._state
        if state == "ready" and any(process.state != "ready" for process in processes):
            state = "degraded"
        return SystemStatus(state, os.getpid(), self._created, str(self._home), self._plan.console_url, processes)

    async def start(self) -> SystemStatus:
        """Everything up and ready, or StartFailed (then what had started is stopped again)."""
        try:
            await asyncio.gather(
                self._start_group(Group.INFRASTRUCTURE),
                self._start_group(Group.SUPPORT),
                *(self._take(step) for step in self._steps),
            )
            await self._start_group(Group.SERVICE)
        except BaseException:
            await self.stop()
            raise
        self._state = "ready"
        self._note_change()
        return self.status()

    async def stop(self) -> None:
        self._state = "stopping"
        self._note_change()
        for group in reversed(Group):
            await asyncio.gather(*(supervised.stop() for supervised in self._of(group)))
        self._state = "stopped"
        self._note_change()

    async def until(self, condition: Callable[[SystemStatus], bool]) -> SystemStatus:
        """Wait, without polling, until the status meets a condition."""
        async with self._change:
            await self._change.wait_for(lambda: condition(self.status()))
        return self.status()

    async def _start_group(self, group: Group) -> None:
        members = list(self._of(group))
        for supervised in members:
            supervised.start()
        await asyncio.gather(*(supervised.first_ready for supervised in members))

    async def _take(self, step: Step) -> None:
        needed = (supervised for supervised in self._supervised if supervised.process.name in step.needs)
        # Shielded: one waiter's cancellation must not cancel the others' future.
        await asyncio.gather(*(asyncio.shield(supervised.first_ready) for supervised in needed))
        await step.run()

    def _of(self, group: Group) -> Iterable[Supervised]:
        return (supervised for supervised in self._supervised if supervised.process.group is group)

    def _note_change(self) -> None:
        write_status(self._home, self.status())
        task = asyncio.get_running_loop().create_task(self._wake())
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    async def _wake(self) -> None:
        async with self._change:
            self._change.notify_all()


async def run_to_the_end(launches: Sequence[Launch]) -> None:
    """Run commands side by side; StartFailed, with the last words, for one that fails."""

    async def run(launch: Launch) -> None:
        child = await spawn_async(launch)
        code = await child.wait()
        if code != 0:
            raise StartFailed(
                f"{launch.name} failed {_cause(code)}:\n{log_tail(launch.log)}",
                f"read {launch.log}; `arrears down --wipe` starts from empty data",
            )

    await asyncio.gather(*(run(launch) for launch in launches))


def _cause(code: int | None) -> str:
    if code is None:
        return "without ever running"
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
