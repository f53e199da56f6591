"""The development servers as processes: they refuse production and strangers' addresses, and keep what they must."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from arrears_local.issuer.keys import kept_key
from arrears_local.ports import free_port
from arrears_local.waiting import run_blocking, wait_until_ready

SERVERS = ("arrears_local.issuer", "arrears_local.clock", "arrears_local.providers")


def run(module: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module]
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)


@pytest.mark.parametrize("module", SERVERS)
def test_production_is_refused_before_anything_listens(module: str, tmp_path: Path) -> None:
    ended = run(module, ARREARS_ENV="production", ARREARS_HOME=str(tmp_path))
    assert ended.returncode == 2
    assert "refuses to start with ARREARS_ENV=production" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "setting"),
    [
        ("arrears_local.issuer", {"ARREARS_OIDC_ISSUER": "http://0.0.0.0:8200"}),
        ("arrears_local.issuer", {"ARREARS_OIDC_ISSUER": "http://127.0.0.1"}),
        ("arrears_local.clock", {"ARREARS_CLOCK_URL": "http://10.0.0.1:8210"}),
        ("arrears_local.clock", {"ARREARS_CLOCK_START": "2026-01-05T08:00:00"}),
        ("arrears_local.clock", {"ARREARS_CLOCK_START": "monday"}),
        ("arrears_local.providers", {"ARREARS_SMTP": "0.0.0.0:25"}),
    ],
)
def test_an_unsafe_or_wrong_setting_is_refused_with_a_remedy(
    module: str, setting: dict[str, str], tmp_path: Path
) -> None:
    ended = run(module, ARREARS_HOME=str(tmp_path), **setting)
    assert ended.returncode == 1
    assert "; " in ended.stderr
    assert "Traceback" not in ended.stderr


@contextmanager
def running(module: str, url: str, **environ: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", module], env=environ)

    async def live() -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                (await http.get(f"{url}/livez")).raise_for_status()
            except httpx.HTTPError as error:
                raise OSError(str(error)) from error

    try:
        run_blocking(wait_until_ready(live, process.poll, 30))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def get(url: str) -> dict[str, Any]:
    return dict(httpx.get(url, trust_env=False).json())


def test_the_issuers_key_survives_a_restart_and_is_nobody_elses(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    published = []
    for _ in range(2):
        with running("arrears_local.issuer", url, ARREARS_OIDC_ISSUER=url, ARREARS_HOME=str(tmp_path)):
            published.append(get(f"{url}/jwks"))
    assert published[0] == published[1]
    assert set(published[0]["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (tmp_path / "issuer-key.json").stat().st_mode & 0o077 == 0
    assert kept_key(tmp_path).kid == published[0]["keys"][0]["kid"]


def test_the_clocks_time_survives_a_restart(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    environ = {"ARREARS_CLOCK_URL": url, "ARREARS_HOME": str(tmp_path), "ARREARS_CLOCK_START": "2026-01-05T08:00:00Z"}
    with running("arrears_local.clock", url, **environ):
        assert get(f"{url}/now") == {"now": "2026-01-05T08:00:00+00:00"}
        httpx.post(f"{url}/now", json={"at": "2026-02-01T00:00:00Z"}, trust_env=False).raise_for_status()
    with running("arrears_local.clock", url, **environ):
        assert get(f"{url}/now") == {"now": "2026-02-01T00:00:00+00:00"}


def test_the_providers_listen_for_messages_and_mail(tmp_path: Path) -> None:
    url, mail = f"http://127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with running("arrears_local.providers", url, ARREARS_SMS_URL=url, ARREARS_SMTP=mail, PATH=os.defpath):
        assert get(f"{url}/messages") == {"messages": []}
        assert get(f"{url}/mails") == {"mails": []}
