"""What the development-only servers (issuer, clock, providers) share: they refuse production and listen on loopback."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from arrears_local.refusals import LocalRefusal


class DevelopmentOnly(LocalRefusal):
    """A server that exists for development was started in production."""

    exit_code = 2


def refuse_in_production(environ: Mapping[str, str], what: str) -> None:
    """Raise DevelopmentOnly if `environ` says that this is production."""
    if environ.get("ARREARS_ENV", "development") == "production":
        raise DevelopmentOnly(
            f"{what} is for development and refuses to start with ARREARS_ENV=production",
            "configure the real provider, or unset ARREARS_ENV on a developer's machine",
        )


def home(environ: Mapping[str, str]) -> Path:
    """The folder of local data (ARREARS_HOME), made when absent."""
    folder = Path(environ.get("ARREARS_HOME", ".arrears"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def serve(app: ASGIApp, url: str) -> None:
    """Serve `app` at the host and port of `url` until a signal comes."""
    host, port = listen_at(url)
    level = os.environ.get("ARREARS_LOG_LEVEL", "warning").lower()
    # Long polls would hold a stop for as long as they wait.
    uvicorn.run(app, host=host, port=port, log_level=level, timeout_graceful_shutdown=1)


def listen_at(url: str) -> tuple[str, int]:
    """Host and port of `url`.

    Raises:
        LocalRefusal: the URL has no port, or names no loopback address: strangers must not reach these servers.
    """
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1") or parts.port is None:
        raise LocalRefusal(f"{url} is not a loopback address with a port", "use http://127.0.0.1:PORT")
    return parts.hostname, parts.port
