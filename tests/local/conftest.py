"""Real child processes for the supervisor's tests: tiny, but no imitation of our own modules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from arrears_local.kafka import start_kafka
from arrears_local.launch import Launch
from arrears_local.plan import Group, Process
from arrears_local.ports import free_port
from arrears_local.probes import probe_http, probe_port

# Serves 200 on every path, as a service does on /readyz.
SERVER = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""

MakeProcess = Callable[..., Process]


@pytest.fixture
def server_process(tmp_path: Path) -> MakeProcess:
    """`server_process("name", group)` is a supervised HTTP server on a free port."""

    def make(name: str, group: Group = Group.SERVICE, program: str = SERVER) -> Process:
        port = free_port()
        launch = Launch(name, (sys.executable, "-c", program, str(port)), tmp_path / "log" / f"{name}.log")
        probe = partial(probe_http, f"http://127.0.0.1:{port}/readyz")
        if group is not Group.SERVICE:
            probe = partial(probe_port, port)
        return Process(name, group, lambda: launch, probe, port, f"http://127.0.0.1:{port}")

    return make


@pytest.fixture(scope="session")
def server_program() -> str:
    return SERVER


@pytest.fixture(scope="session")
def broker_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private broker that no test kills, without topics at first."""
    process = start_kafka(tmp_path_factory.mktemp("shared-broker"), free_port())
    yield process.bootstrap
    process.stop()
