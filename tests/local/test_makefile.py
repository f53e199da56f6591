"""The Makefile's promises that can be seen without installing anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", str(ROOT / "Makefile"), *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_the_promised_targets() -> None:
    assert {"run", "test", "demo", "check", "bench"} <= {line.split()[1] for line in make("help").stdout.splitlines()}


@pytest.mark.parametrize("target", ["run", "test", "demo", "check", "bench"])
def test_each_target_can_be_planned_on_a_fresh_tree(target: str, tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in ("run.txt", "dev.txt"):
        (tmp_path / "requirements" / name).touch()

    done = make("--dry-run", target, folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "-m venv .venv" in done.stdout
    assert "--require-hashes -r requirements/run.txt" in done.stdout


def test_an_old_python_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = make(".venv/bin/python", f"PYTHON={old}", folder=tmp_path)

    assert done.returncode == 2
    assert "Python 3.11 or newer is needed; name it with PYTHON=" in done.stderr


def test_ci_calls_check_and_test() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8").splitlines()

    assert script[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in script
    assert script[-2:] == ["make check", "make test"]
