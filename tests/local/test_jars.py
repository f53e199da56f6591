"""Only the pinned bytes run, and a person learns what to do when they are not to be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arrears_local.jars import check_jar, jar_folder, jars_missing, kafka_jars, pinned_hashes
from arrears_local.kafka import default_cache
from arrears_local.refusals import JarRefused

# Port 9 of this machine: a proxy that refuses every connection.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}


def test_the_broker_is_45_jars_and_a_logging_back_end() -> None:
    names = set(pinned_hashes())

    assert len(names - {"slf4j-simple-1.7.36.jar"}) == 45
    assert {"kafka_2.13-4.3.1.jar", "kafka-server-4.3.1.jar", "slf4j-simple-1.7.36.jar"} <= names


def test_a_changed_jar_is_refused_by_name(tmp_path: Path) -> None:
    original = next(jar for jar in kafka_jars(default_cache()) if jar.name == "kafka-raft-4.3.1.jar")
    changed = tmp_path / original.name
    content = bytearray(original.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)

    with pytest.raises(JarRefused, match=r"kafka-raft-4\.3\.1\.jar has SHA-256 [0-9a-f]{64}, pinned is [0-9a-f]{64}"):
        check_jar(changed, pinned_hashes()[original.name])


def test_a_missing_jar_is_noticed_before_anything_is_fetched(tmp_path: Path) -> None:
    folder = jar_folder(tmp_path)
    folder.mkdir(parents=True)
    for jar in kafka_jars(default_cache())[1:]:
        (folder / jar.name).symlink_to(jar)

    assert jars_missing(tmp_path) == [kafka_jars(default_cache())[0].name]


def test_without_a_network_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from arrears_local.jars import kafka_jars\n"
        "from arrears_local.refusals import JarsUnavailable\n"
        "try: kafka_jars(pathlib.Path(sys.argv[1]))\n"
        "except JarsUnavailable as refusal: print(refusal.message); print(refusal.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "cache")],
        env={**os.environ, **NOWHERE}, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    message, remedy = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert message.startswith("the broker's jars could not be fetched from the Maven registry")
    assert "check the network or the proxy settings" in remedy
    assert "ARREARS_KAFKA" in remedy
    assert list((tmp_path / "cache").iterdir()) == []


def test_with_a_filled_cache_no_registry_is_asked() -> None:
    kafka_jars(default_cache())
    program = "import pathlib, sys; from arrears_local.jars import *; print(len(kafka_jars(pathlib.Path(sys.argv[1]))))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(default_cache())],
        env={**os.environ, **NOWHERE}, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert done.stdout == "46\n"
