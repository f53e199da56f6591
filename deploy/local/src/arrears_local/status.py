"""The status file: what the supervisor last knew, for `arrears status`, `arrears down` and any outside watcher."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil


class ProcessStatus(msgspec.Struct, frozen=True):
    """`state`: waiting, starting, ready, restarting, failed or stopped. `last_exit` is a signal when negative.
    `created` is the kernel's creation time of `pid`, which tells it from a later process with the same number."""

    name: str
    group: str
    state: str
    port: int
    url: str = ""
    pid: int | None = None
    created: float = 0.0
    restarts: int = 0
    last_exit: int | None = None
    ready_after_seconds: float | None = None
    log: str = ""
    note: str = ""


class SystemStatus(msgspec.Struct, frozen=True):
    """`state`: starting, ready, degraded (something is being restarted), stopping or stopped."""

    state: str
    supervisor: int
    created: float
    home: str
    console_url: str
    processes: list[ProcessStatus] = []


def status_file(home: Path) -> Path:
    return home / "run" / "status.json"


def write_status(home: Path, status: SystemStatus) -> None:
    """Atomically, so that a reader never sees half a file."""
    path = status_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".new")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(status)))
    partial.replace(path)


def read_status(home: Path) -> SystemStatus | None:
    """The last written status with its truth checked: a supervisor that is gone left everything `stopped`."""
    try:
        status = msgspec.json.decode(status_file(home).read_bytes(), type=SystemStatus)
    except FileNotFoundError:
        return None
    if alive(status.supervisor, status.created):
        return status
    return msgspec.structs.replace(status, state="stopped")


def alive(pid: int | None, created: float) -> bool:
    """Does exactly this process (not a later one with its number) still run?"""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def created_at(pid: int | None = None) -> float:
    """The kernel's creation time of a process; 0 when it is gone already."""
    try:
        return psutil.Process(os.getpid() if pid is None else pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
