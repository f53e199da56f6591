"""A service whose port is taken says so and ends at once, so that its supervisor can try again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from arrears_local.ports import LOOPBACK, free_port


@pytest.mark.timeout(60)
def test_a_taken_port_ends_every_role_of_the_process(database_url: str, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, free_port())) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "legal", "serve"],
            env={
                **os.environ,
                "ARREARS_LEGAL_DATABASE_URL": database_url,
                "ARREARS_LEGAL_PORT": str(port),
                "ARREARS_KAFKA": f"{LOOPBACK}:{free_port()}",
                "ARREARS_HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert f"the API cannot listen on port {port}" in ended.stdout + ended.stderr
