"""The command line from outside: exit codes, data on standard output, talk on standard error, plugins."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from arrears_local.ports import free_port
from arrears_local.status import read_status


def arrears(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "arrears_local.cli", *arguments],
        env={**os.environ, "ARREARS_HOME": str(home), "COLUMNS": "200", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_status_of_a_fresh_home_is_dependency_down_with_a_next_step(tmp_path: Path) -> None:
    done = arrears(tmp_path, "status")

    assert (done.returncode, done.stdout) == (6, "")
    assert "`arrears up` starts it" in done.stderr


def test_down_of_a_fresh_home_is_no_error(tmp_path: Path) -> None:
    done = arrears(tmp_path, "down", "--wipe", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (0, {"stopped": False, "wiped": True})


def test_wipe_removes_the_data_and_keeps_the_jars(tmp_path: Path) -> None:
    for name in ("cache", "postgres", "kafka", "log"):
        (tmp_path / name).mkdir()

    arrears(tmp_path, "down", "--wipe")

    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_doctor_answers_in_json_with_a_remedy_for_every_finding_that_is_not_right(tmp_path: Path) -> None:
    # Behind a proxy the registry is taken as reachable, so that only a taken port could make it fail here.
    done = arrears(tmp_path, "doctor", "--json", HTTPS_PROXY="http://127.0.0.1:9")
    findings = json.loads(done.stdout)

    assert {"python", "disk", "memory", "broker jars", "supervisor"} <= {finding["name"] for finding in findings}
    assert all(finding["remedy"] for finding in findings if not finding["ok"])
    assert done.returncode == (0 if all(finding["ok"] for finding in findings) else 6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("up", "--replicas", "billing=2"), "no service is called billing"),
        (("up", "--replicas", "outreach"), "SERVICE=N"),
        (("fly",), "No such command"),
    ],
)
def test_wrong_usage_is_exit_code_two_and_named(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = arrears(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_topics_without_a_broker_is_dependency_down(tmp_path: Path) -> None:
    done = arrears(tmp_path, "topics", ARREARS_KAFKA="127.0.0.1:9")

    assert done.returncode == 6
    assert "no broker answers at 127.0.0.1:9" in done.stderr


def test_topics_are_created_and_listed(tmp_path: Path, broker_bootstrap: str) -> None:
    done = arrears(tmp_path, "topics", "--create", "--json", ARREARS_KAFKA=broker_bootstrap, ARREARS_PARTITIONS="2")

    listed = {topic["topic"]: topic for topic in json.loads(done.stdout)}
    assert done.returncode == 0
    assert listed["ingest.events"] == {"topic": "ingest.events", "partitions": 2, "records": 0}
    assert listed["external-events"]["partitions"] == 10


def own_ports() -> dict[str, str]:
    services = ("CONSOLE", "INGEST", "SCORING", "OUTREACH", "LEGAL", "AUDIT", "KAFKA", "POSTGRES")
    return {
        **{f"ARREARS_{name}_PORT": str(free_port()) for name in services},
        "ARREARS_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}",
        "ARREARS_SMS_URL": f"http://127.0.0.1:{free_port()}",
        "ARREARS_SMTP": f"127.0.0.1:{free_port()}",
    }


def test_up_on_a_taken_port_starts_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = own_ports() | {"ARREARS_POSTGRES_PORT": str(taken.getsockname()[1])}
        done = arrears(tmp_path, "up", HTTPS_PROXY="http://127.0.0.1:9", **ports)

    assert (done.returncode, done.stdout) == (6, "")
    assert f"port {ports['ARREARS_POSTGRES_PORT']} (postgres): taken by" in done.stderr
    assert "stop it, or choose another port with ARREARS_POSTGRES_PORT" in done.stderr
    assert not (tmp_path / "postgres").exists()


def test_up_without_a_registry_stops_what_it_started_and_says_what_to_do(tmp_path: Path) -> None:
    # Port 9 of this machine: a proxy that refuses every connection.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}

    done = arrears(tmp_path, "up", **own_ports(), **nowhere)

    assert (done.returncode, done.stdout) == (6, "")
    assert "the broker's jars could not be fetched from the Maven registry" in done.stderr
    assert "or point ARREARS_KAFKA at a running broker" in done.stderr
    status = read_status(tmp_path)
    assert status is not None
    assert [process.pid for process in status.processes if process.pid is not None] == []


PLUGIN = """
import typer
greet = typer.Typer()
@greet.command()
def run(name: str) -> None: print("hello", name)
ledger = typer.Typer()
@ledger.command("check")
def check() -> None: print("checked")
@ledger.command("show")
def show() -> None: print("shown")
"""


@pytest.fixture
def installed_plugin(tmp_path: Path) -> str:
    """An installed distribution (its metadata folder on the path) that adds two commands and a broken one."""
    site = tmp_path / "site"
    metadata = site / "third_party-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "third_party.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[arrears.commands]\ngreet = third_party:greet\nthird-ledger = third_party:ledger\nbroken = third_party:absent\n"
    )
    return str(site)


def test_installed_distributions_add_commands_and_groups(tmp_path: Path, installed_plugin: str) -> None:
    assert arrears(tmp_path, "greet", "Ana", PYTHONPATH=installed_plugin).stdout == "hello Ana\n"
    assert arrears(tmp_path, "third-ledger", "check", PYTHONPATH=installed_plugin).stdout == "checked\n"
    assert "third-ledger" in arrears(tmp_path, "--help", PYTHONPATH=installed_plugin).stdout


def test_a_broken_plugin_takes_no_other_command_with_it(tmp_path: Path, installed_plugin: str) -> None:
    done = arrears(tmp_path, "broken", PYTHONPATH=installed_plugin)

    assert done.returncode == 2
    assert "command broken (third_party:absent) cannot be loaded" in done.stderr
    assert arrears(tmp_path, "greet", "Bo", PYTHONPATH=installed_plugin).returncode == 0
