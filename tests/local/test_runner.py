"""One home, one supervisor: it starts the plan, obeys signals, refuses a second, and cleans up after a killed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from arrears_local.ports import free_port
from arrears_local.status import ProcessStatus, read_status

# The real runner with a plan of one tiny service beside the embedded database; the broker is one that is given.
PROGRAM = """
import dataclasses, os, sys
from functools import partial
from arrears_local.launch import Launch
from arrears_local.plan import Group, Plan, Process, make_plan
from arrears_local.probes import probe_http
from arrears_local.refusals import LocalRefusal
from arrears_local.runner import bring_up
from arrears_local.settings import read_settings
settings = read_settings(os.environ)
port = int(sys.argv[1])
launch = Launch("legal", (sys.executable, "-c", sys.argv[2], str(port)), settings.log_folder / "legal.log")
service = Process("legal", Group.SERVICE, lambda: launch, partial(probe_http, f"http://127.0.0.1:{port}/readyz"), port)
infrastructure = make_plan(settings, {}).group(Group.INFRASTRUCTURE)
try:
    bring_up(settings, Plan((*infrastructure, service), (), "http://127.0.0.1:1"), False,
             lambda status: print(status.state, flush=True), lambda text: print(text, file=sys.stderr, flush=True))
except LocalRefusal as refusal:
    print(type(refusal).__name__, refusal.message, refusal.remedy, sep=" | ", flush=True)
    sys.exit(refusal.exit_code)
"""


class Home:
    def __init__(self, path: Path, broker: str, server: str) -> None:
        self.path = path
        self._server = server
        self._environment = {
            **os.environ,
            "ARREARS_HOME": str(path),
            "ARREARS_KAFKA": broker,
            "ARREARS_PARTITIONS": "2",
            "ARREARS_POSTGRES_PORT": str(free_port()),
        }

    def up(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(free_port()), self._server]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def arrears(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "arrears_local.cli", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120, check=False)

    def processes(self) -> list[ProcessStatus]:
        status = read_status(self.path)
        assert status is not None
        return status.processes

    def running(self) -> list[psutil.Process]:
        pids = [process.pid for process in self.processes() if process.pid is not None]
        return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


@pytest.fixture
def home(tmp_path: Path, broker_bootstrap: str, server_program: str) -> Iterator[Home]:
    made = Home(tmp_path / "home", broker_bootstrap, server_program)
    yield made
    made.arrears("down")


def test_sigterm_stops_everything_in_order_with_exit_code_zero(home: Home) -> None:
    supervisor = home.up()
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "ready\n"
    status = home.arrears("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["state"]) == (0, "ready")
    running = home.running()
    assert len(running) == 2

    supervisor.send_signal(signal.SIGTERM)
    _, said = supervisor.communicate(timeout=60)

    assert (supervisor.returncode, said) == (0, "stopping …\n")
    assert not any(process.is_running() for process in running)
    assert home.arrears("status", "--json").returncode == 6


def test_a_second_supervisor_is_refused_and_down_stops_the_first(home: Home) -> None:
    first = home.up()
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"

    second = home.up()
    out, _ = second.communicate(timeout=60)
    assert (second.returncode, out.split(" | ")[0]) == (1, "AlreadyRunning")
    assert "`arrears down` stops it" in out

    down = home.arrears("down", "--json")
    assert json.loads(down.stdout) == {"stopped": True, "wiped": False}
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_killed_supervisor_leaves_no_process_and_no_lock(home: Home) -> None:
    first = home.up()
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    orphans = home.running()

    first.kill()
    first.communicate(timeout=60)
    _, left = psutil.wait_procs(orphans, timeout=30)
    assert left == []

    again = home.up()
    assert again.stdout is not None
    assert again.stdout.readline() == "ready\n"
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    assert again.returncode == 0
