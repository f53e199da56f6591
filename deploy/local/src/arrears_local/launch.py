"""How a child process is started so that it never outlives the process that started it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

LOG_ROTATES_AT_BYTES = 20_000_000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Launch:
    """One command, where it logs, which user runs it, and the signal that asks it to stop in order."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM


def spawn(launch: Launch) -> subprocess.Popen[bytes]:
    """Start the command and return at once. Call it from a thread that lives as long as the child should:
    Linux sends the parent-death signal when the *thread* that forked ends."""
    with _open_log(launch.log) as log:
        return subprocess.Popen(launch.argv, **_options(launch, log))


async def spawn_async(launch: Launch) -> asyncio.subprocess.Process:
    """`spawn` for a running event loop; the loop's thread is the parent."""
    with _open_log(launch.log) as log:
        return await asyncio.create_subprocess_exec(*launch.argv, **_options(launch, log))


def log_tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or an empty text when there is none: what a person needs first after a crash."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])


def _options(launch: Launch, log: IO[bytes]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
        "cwd": launch.cwd,
        "env": {**os.environ, **launch.env},
        # A session of its own: Ctrl-C at the terminal reaches the supervisor only, which stops its children in order.
        "start_new_session": True,
        "preexec_fn": _die_with(os.getpid(), launch.stop_signal),
    }
    if launch.user is not None:
        options |= {"user": launch.user, "group": launch.user, "extra_groups": []}
    return options


def _die_with(parent: int, stop_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    libc = _libc

    def arm() -> None:
        # Runs after the change of user, which would clear the setting.
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def _open_log(log: Path) -> IO[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_ROTATES_AT_BYTES:
        log.replace(log.with_suffix(log.suffix + ".1"))
    return log.open("ab")
