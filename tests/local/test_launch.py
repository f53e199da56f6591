"""A child process never outlives its parent, however the parent ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from arrears_local.launch import LOG_ROTATES_AT_BYTES, Launch, log_tail, spawn

PARENT = """
import pathlib, sys
from arrears_local.launch import Launch, spawn
child = spawn(Launch("child", (sys.executable, "-c", "import signal; signal.pause()"), pathlib.Path(sys.argv[1])))
print(child.pid, flush=True)
child.wait()
"""


def test_a_killed_parent_takes_its_child_along(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "child.log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    parent.wait(10)
    parent.stdout.close()

    gone, left = psutil.wait_procs([child], timeout=10)
    assert gone == [child]
    assert left == []


def test_a_child_gets_the_environment_and_its_output_lands_in_the_log(tmp_path: Path) -> None:
    program = "import os, sys; print(os.environ['ARREARS_KAFKA']); print('to the error stream', file=sys.stderr)"
    log = tmp_path / "deep" / "child.log"

    child = spawn(Launch("child", (sys.executable, "-c", program), log, {"ARREARS_KAFKA": "127.0.0.1:1"}))

    assert child.wait(20) == 0
    assert sorted(log_tail(log).splitlines()) == ["127.0.0.1:1", "to the error stream"]


def test_a_long_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * (LOG_ROTATES_AT_BYTES + 1))

    spawn(Launch("child", (sys.executable, "-c", "print('new')"), log)).wait(20)

    assert log.read_text() == "new\n"
    assert log.with_name("child.log.1").stat().st_size == LOG_ROTATES_AT_BYTES + 1
