"""Before it starts, the system says what is missing on the machine and what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from arrears_local.checks import machine_checks, port_checks, running_checks
from arrears_local.plan import make_plan
from arrears_local.ports import free_port
from arrears_local.settings import read_settings


def test_a_taken_port_names_its_holder_and_the_variable_that_moves_us() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plan = make_plan(read_settings({"ARREARS_LEGAL_PORT": str(taken.getsockname()[1])}), {})
        finding = next(check for check in port_checks(plan) if "(legal)" in check.name)

    assert not finding.ok
    assert finding.detail.endswith(f"(pid {os.getpid()})")
    assert finding.remedy == "stop it, or choose another port with ARREARS_LEGAL_PORT"


def test_a_full_disk_is_found_before_anything_is_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = read_settings({"ARREARS_HOME": str(home)})

    disk = next(check for check in machine_checks(settings, disk_needed_bytes=10**18) if check.name == "disk")

    assert not disk.ok
    assert "ARREARS_HOME" in disk.remedy
    assert not home.exists()


def test_a_given_broker_that_is_silent_is_found() -> None:
    settings = read_settings({"ARREARS_KAFKA": f"127.0.0.1:{free_port()}"})

    findings = list(running_checks(settings, make_plan(settings, {}), None))

    silent = next(check for check in findings if check.name == "given broker")
    assert (silent.ok, silent.remedy) == (False, "check ARREARS_KAFKA")
    assert not any("(kafka)" in check.name for check in findings)
