"""Loopback ports: which are free, who holds one that is not."""

from __future__ import annotations

import socket

import psutil

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now; the caller must be quick to take it."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int, timeout_seconds: float = 1.0) -> bool:
    try:
        with socket.create_connection((host, port), timeout_seconds):
            return True
    except OSError:
        return False


def holder(port: int) -> str:
    """`name (pid n)` of the process that listens on the port, as far as this user may see it."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pid = next(c.pid for c in listening if c.laddr and c.laddr.port == port and c.pid is not None)
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except (psutil.Error, StopIteration):
        return "another process"
