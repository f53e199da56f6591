"""Loopback ports: which are free, who holds one that is not."""

from __future__ import annotations

import random
import socket

import psutil

LOOPBACK = "127.0.0.1"
# Below every system's range for outgoing connections: such a connection would take the port of a service that restarts.
_FOR_SERVERS = range(15_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on now and that this process was not given before; the caller must be quick to take it.

    Raises RuntimeError when no port can be found.
    """
    for port in random.SystemRandom().sample(_FOR_SERVERS, 1_000):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {_FOR_SERVERS.start} and {_FOR_SERVERS.stop}")


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
