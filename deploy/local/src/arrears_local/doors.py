"""The services' HTTP doors as the command line and the simulator use them: with a token, with words for what goes wrong."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, Final

import httpx

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.service_tokens import ServiceTokens
from arrears.settings import PORTS
from arrears_local.refusals import DependencyDown, LocalRefusal

_ASK_AGAIN_SECONDS: Final = 0.2


class Refused(LocalRefusal):
    """A service answered that it will not do it."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('title', 'refused')}: {problem.get('detail', '')} ({status})", "")
        self.status = status
        self.problem = problem
        self.exit_code = 3 if status == 404 else 1


class Doors:
    """Calls services by name; every POST carries an idempotency key.

    What a service could not answer (it is away, or its database is) is asked again for `patience_seconds`: the same
    request with the same key, so a command whose answer got lost is not done twice.
    """

    def __init__(
        self, http: httpx.AsyncClient, tokens: httpx.Auth, environ: Mapping[str, str], patience_seconds: float = 0
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._environ = environ
        self._patience_seconds = patience_seconds

    async def get(self, service: str, path: str, **query: str) -> Any:
        """Return the JSON answer of a GET. Raises Refused or DependencyDown."""
        return await self._call("GET", service, path, params=query)

    async def post(self, service: str, path: str, body: Any, *, key: str = "", **query: str) -> Any:
        """Return the JSON answer of a POST. Raises Refused or DependencyDown."""
        headers = {"Idempotency-Key": key or token_hex(16)}
        return await self._call("POST", service, path, json=body, headers=headers, params=query)

    async def upload(self, service: str, path: str, content: bytes, *, key: str = "", **query: str) -> Any:
        """Return the JSON answer to a file sent as it is. Raises Refused or DependencyDown."""
        headers = {
            "Idempotency-Key": key or token_hex(16),
            "Content-Type": "application/octet-stream",
        }
        return await self._call("POST", service, path, content=content, headers=headers, params=query)

    async def callbacks(self) -> tuple[int, int]:
        """Return how many callbacks the development provider has made and how many messages still have some to make.

        Both are 0 where another provider, or none, answers: what that one does cannot be known.
        """
        url = self._environ.get("ARREARS_SMS_URL", "http://127.0.0.1:8201")
        try:
            found = (await self._http.get(f"{url}/callbacks")).raise_for_status().json()
            return int(found["made"]), int(found["under_way"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return 0, 0

    def url(self, service: str) -> str:
        """Return where a service listens."""
        port = self._environ.get(f"ARREARS_{service.upper()}_PORT", str(PORTS[service]))
        return f"http://127.0.0.1:{port}"

    async def _call(self, method: str, service: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return await self._ask(method, service, path, **options)
            except DependencyDown:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _ask(self, method: str, service: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._http.request(method, self.url(service) + path, auth=self._tokens, **options)
        except (httpx.HTTPError, ProviderUnavailable) as error:
            raise DependencyDown(f"{service} does not answer: {error!r}", "start it with `arrears up`") from error
        if answer.status_code == 503:
            problem = _problem(answer)
            raise DependencyDown(f"{service} cannot answer now: {problem.get('detail', '')}", "try again in a moment")
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _problem(answer))
        return answer.json()


@asynccontextmanager
async def open_doors(
    client: str, environ: Mapping[str, str] = os.environ, patience_seconds: float = 0
) -> AsyncIterator[Doors]:
    """Yield the doors as the given client of the identity provider."""
    secret = environ.get("ARREARS_CLIENT_SECRET", f"{client}-development-secret")
    issuer = environ.get("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200")
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as http:
        yield Doors(http, ServiceTokens(issuer, client, secret, http), environ, patience_seconds)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {"detail": answer.text[:200]}
    return found if isinstance(found, dict) else {"detail": str(found)}
