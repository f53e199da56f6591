"""A failpoint kills a real process at the asked-for hit, logs what was reached, and costs nothing otherwise."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arrears.failpoints import FAILPOINTS, UnknownFailpoint, plan

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
