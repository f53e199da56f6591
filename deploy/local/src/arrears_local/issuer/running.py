"""A real issuer inside a test's event loop, whose private key the test holds, so that it can mint and forge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc.jwk import ECKey

from arrears.auth.keys import ProviderKeys
from arrears.auth.principal import Role
from arrears.auth.tokens import TokenVerifier
from arrears.testing.servers import serving
from arrears_local.issuer.app import issuer_app
from arrears_local.issuer.keys import new_key
from arrears_local.issuer.tokens import mint


@dataclass(frozen=True)
class RunningIssuer:
    """The issuer's address, its private key, and a client to reach it."""

    url: str
    key: ECKey
    http: httpx.AsyncClient

    def token(self, *roles: Role, subject: str = "collector-1", **options: Any) -> str:
        """Return a good token of `subject`; `options` are those of `mint`, to make it bad in one way."""
        given: dict[str, Any] = {"issuer": self.url, "subject": subject, "roles": roles, "now": time.time()}
        return mint(self.key, **(given | options))

    def bearer(self, *roles: Role, subject: str = "collector-1") -> dict[str, str]:
        """Return the header of a request by `subject` in these roles."""
        return {"Authorization": f"Bearer {self.token(*roles, subject=subject)}"}

    def verifier(self, now: Callable[[], float] = time.time) -> TokenVerifier:
        """Return what a service checks this issuer's tokens with."""
        return TokenVerifier(ProviderKeys(self.url, self.http), now=now)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[RunningIssuer]:
    """Yield an issuer on a free loopback port."""
    key = new_key()
    async with serving(lambda url: issuer_app(url, key)) as url, httpx.AsyncClient(timeout=60, trust_env=False) as http:
        yield RunningIssuer(url, key, http)
