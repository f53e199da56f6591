"""Killing the processes of a running system: at a failpoint of their own, or from outside, and knowing that it happened."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from arrears.runtime import ServiceDefinition
from arrears_local.cli.operations import SERVICES, definition_of
from arrears_local.status import ProcessStatus, SystemStatus
from arrears_local.supervisor import Supervisor

_CONSUMER: Final = (
    "consumer.before_receive",
    "consumer.after_receive",
    "consumer.after_begin",
    "commit.before",
    "commit.after",
)
_APPEND: Final = ("append.before", "append.after")
_RELAY: Final = ("relay.before_produce", "relay.after_ack", "relay.after_checkpoint")
_PROJECTION: Final = ("projection.before_commit", "projection.after_commit")
_TIMER: Final = ("timer.after_begin", "timer.after_commit")
_PROVIDER: Final = ("provider.before_call", "provider.after_call")
# Where the first hit would come before the day's work does, a later one.
_AT_HIT: Final = {
    "consumer.before_receive": 8,
    "consumer.after_receive": 2,
    "consumer.after_begin": 3,
    "commit.before": 2,
}


def reachable(definition: ServiceDefinition) -> tuple[str, ...]:
    """Return the failpoints that a service passes in its daily work."""
    own = any(definition.name in projection.follows for projection in definition.projections)
    return (
        *(_CONSUMER if definition.sources else ()),
        *((*_APPEND, *_RELAY) if definition.publishes else ()),
        *(_PROJECTION if own else ()),
        *(_TIMER if definition.instant_rules else ()),
        *(_PROVIDER if definition.reactions else ()),
    )


def table() -> dict[str, list[str]]:
    """Return the kills to do, by service; rotated, so that on one day services die in different places."""
    found = {}
    for number, service in enumerate(SERVICES):
        names = reachable(definition_of(service))
        turn = 3 * number % len(names)
        found[service] = [*names[turn:], *names[:turn]]
    return found


@dataclass(slots=True)
class Killer:
    """Gives services orders to die, in the folder `orders`, and keeps the list of deaths."""

    supervisor: Supervisor
    orders: Path
    done: list[tuple[str, str]] = field(default_factory=list)
    open: dict[str, list[str]] = field(default_factory=dict)

    async def order(self, plan: dict[str, list[str]], at_most: int) -> None:
        """Tell each service to die at the next places of its plan, one after another; who has open orders gets no more."""
        status = await self.everything_runs()
        for service, names in plan.items():
            if names and service not in self.open:
                self.open[service], names[:] = names[:at_most], names[at_most:]
                lines = [f"{name}:{_at_hit(service, name)}\n" for name in self.open[service]]
                (self.orders / service).write_text("".join(lines))
                os.kill(_pid(status, service), signal.SIGUSR1)

    async def everything_runs(self) -> SystemStatus:
        """Return when every process is ready."""
        return await self.supervisor.until(lambda status: status.state == "ready")

    def collect(self) -> None:
        """Note who has died as told."""
        for service, names in list(self.open.items()):
            for name in list(names):
                note = self.orders / f"{service}@{name}"
                if note.exists():
                    note.unlink()
                    names.remove(name)
                    self.done.append((service, name))
            if not names:
                del self.open[service]

    def kill(self, name: str) -> None:
        """End a process with SIGKILL, wherever it is in its work."""
        os.kill(_pid(self.supervisor.status(), name), signal.SIGKILL)


def _at_hit(service: str, name: str) -> int:
    """Return which hit shall kill: ingest hears no heartbeats, so its consumer does nothing but the day's work."""
    return _AT_HIT.get(name, 1) if service != "ingest" else 1


def deaths(status: SystemStatus) -> dict[str, tuple[int, int | None]]:
    """Return how often each process that ever died was restarted, and its last exit (negative: the signal)."""
    return {process.name: (process.restarts, process.last_exit) for process in status.processes if process.restarts}


def _pid(status: SystemStatus, name: str) -> int:
    found: ProcessStatus = next(process for process in status.processes if process.name == name)
    assert found.pid is not None, f"{name} is {found.state}"
    return found.pid
