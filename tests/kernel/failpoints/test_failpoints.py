"""A failpoint kills a real process at the asked-for hit, logs what was reached, and costs nothing otherwise."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arrears.failpoints import FAILPOINTS, VARIABLES, NotInProduction, UnknownFailpoint, arm, plan

ROOT = Path(__file__).parents[3]
PROGRAM = """
from arrears.failpoints import failpoint
for number in range(5):
    failpoint("append.before")
    print(number, flush=True)
    failpoint("append.after")
"""


def run(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environ, check=False)


def test_nothing_happens_unasked() -> None:
    assert run().returncode == 0


@pytest.mark.parametrize(
    ("asked", "printed"),
    [
        ("append.before", ""),
        ("append.after", "0\n"),
        ("append.before:3", "0\n1\n"),
        ("append.after:5", "0\n1\n2\n3\n4\n"),
    ],
)
def test_the_process_dies_at_the_asked_for_hit(asked: str, printed: str) -> None:
    ended = run(ARREARS_FAILPOINT=asked)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, printed)


def test_another_failpoint_does_not_kill() -> None:
    assert run(ARREARS_FAILPOINT="commit.before").returncode == 0


def test_each_failpoint_reached_leaves_one_file(tmp_path: Path) -> None:
    log = tmp_path / "hits"
    assert run(ARREARS_FAILPOINT_LOG=str(log)).returncode == 0
    assert sorted(path.name for path in log.iterdir()) == ["append.after", "append.before"]


def test_the_file_is_there_even_when_the_process_dies_at_once(tmp_path: Path) -> None:
    run(ARREARS_FAILPOINT_LOG=str(tmp_path), ARREARS_FAILPOINT="append.before")
    assert [path.name for path in tmp_path.iterdir()] == ["append.before"]


@pytest.mark.parametrize("asked", ["append", "append.before:0", "append.before:x", "append.before:-1", "nothing:2"])
def test_an_unknown_name_or_count_is_an_error_and_not_a_test_that_proves_nothing(asked: str) -> None:
    with pytest.raises(UnknownFailpoint):
        plan({"ARREARS_FAILPOINT": asked})


def test_an_undeclared_name_in_the_code_is_an_error_when_armed() -> None:
    hit = plan({"ARREARS_FAILPOINT": "append.before:99"})
    with pytest.raises(UnknownFailpoint):
        hit("append.sideways")


def test_the_table_and_the_code_name_the_same_failpoints() -> None:
    sources = [*(ROOT / "shared/src").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    used = {name for path in sources for name in re.findall(r'[^\w]failpoint\("([^"]+)"\)', path.read_text("utf-8"))}
    assert used == set(FAILPOINTS)


SERVICE = """
import os, sys
from arrears.failpoints import arm, failpoint
arm("outreach", os.environ)
print("ready", flush=True)
for line in sys.stdin:
    failpoint(line.strip())
    print("passed", flush=True)
"""


class Served:
    """A process that hits the failpoints it is told on its standard input, as a supervised service would."""

    def __init__(self, orders: Path, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVICE], env={"ARREARS_FAILPOINT_DIR": str(orders), **environ}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self._line() == "ready\n"

    def hit(self, name: str) -> str:
        """Return what the process said after the hit, empty when it died."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return self._line()

    def end(self) -> int:
        """Let it end by itself, if it still lives, and return its exit code."""
        with self.process as ended:
            ended.communicate()
        return ended.returncode

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def test_orders_are_taken_one_at_each_start(tmp_path: Path) -> None:
    (tmp_path / "outreach").write_text("append.before\nappend.after:2\n")
    first = Served(tmp_path)
    assert (first.hit("append.before"), first.end()) == ("", -signal.SIGKILL)
    second = Served(tmp_path)
    said = [second.hit(name) for name in ("append.before", "append.after", "append.after")]
    assert (said, second.end()) == (["passed\n", "passed\n", ""], -signal.SIGKILL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outreach@append.after", "outreach@append.before"]


def test_an_order_in_a_file_kills_one_process_once(tmp_path: Path) -> None:
    order = tmp_path / "outreach"
    order.write_text("append.after:2")
    (tmp_path / "legal").write_text("append.before")

    first = Served(tmp_path)
    said = [first.hit("append.before"), first.hit("append.after"), first.hit("append.after")]
    assert (said, first.end()) == (["passed\n", "passed\n", ""], -signal.SIGKILL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["legal", "outreach@append.after"]

    started_again = Served(tmp_path)
    said = [started_again.hit("append.after") for _ in range(3)]
    assert (said, started_again.end()) == (["passed\n"] * 3, 0)


def test_a_running_process_takes_its_order_at_the_signal(tmp_path: Path) -> None:
    running = Served(tmp_path, ARREARS_FAILPOINT_LOG=str(tmp_path / "hits"))
    assert running.hit("commit.before") == "passed\n"
    (tmp_path / "outreach").write_text("commit.before\n")
    running.process.send_signal(signal.SIGUSR1)
    assert (running.hit("commit.before"), running.end()) == ("", -signal.SIGKILL)
    assert (tmp_path / "hits" / "commit.before").exists()


def test_nothing_is_armed_where_no_folder_is_named() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    arm("outreach", {})
    assert signal.getsignal(signal.SIGUSR1) is before


def test_an_order_that_names_no_failpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outreach").write_text("append.sideways")
    ended = subprocess.run(
        [sys.executable, "-c", SERVICE], env={"ARREARS_FAILPOINT_DIR": str(tmp_path)}, input="", text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert "UnknownFailpoint" in ended.stderr


@pytest.mark.parametrize("variable", VARIABLES)
def test_production_refuses_failpoints(variable: str, tmp_path: Path) -> None:
    environ = {variable: "append.before", "ARREARS_ENV": "production"}
    with pytest.raises(NotInProduction):
        plan(environ)
    with pytest.raises(NotInProduction):
        arm("outreach", environ)
    ended = subprocess.run(
        [sys.executable, "-m", "console", "serve"], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, variable in ended.stderr) == (2, True)
