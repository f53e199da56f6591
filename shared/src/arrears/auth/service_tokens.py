"""The access token of a service itself, by the client-credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final

import httpx

from arrears.auth.discovery import ProviderUnavailable, discover, json_document

RENEW_BEFORE_SECONDS: Final = 60.0


class ServiceTokens(httpx.Auth):
    """Keeps one valid token and adds it to requests: `await http.get(url, auth=tokens)`.

    A 401 makes it fetch a new one once, because a provider may revoke a token before it ends.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        secret: str,
        http: httpx.AsyncClient,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._basic = httpx.BasicAuth(client_id, secret)
        self._http = http
        self._monotonic = monotonic
        self._token = ""
        self._valid_until = float("-inf")
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that is valid for another minute.

        Raises:
            ProviderUnavailable: the provider does not answer or refuses this client.
        """
        async with self._fetching:
            if self._monotonic() >= self._valid_until:
                await self._fetch()
            return self._token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            if token == self._token:
                self._valid_until = float("-inf")
            request.headers["Authorization"] = f"Bearer {await self.token()}"
            yield request

    async def _fetch(self) -> None:
        provider = await discover(self._issuer, self._http)
        endpoint, form = str(provider.get("token_endpoint")), {"grant_type": "client_credentials"}
        answer = await json_document(self._http, "POST", endpoint, form, self._basic)
        token, seconds = answer.get("access_token"), answer.get("expires_in", 300)
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise ProviderUnavailable(f"{self._issuer} gave no usable token")
        self._token = token
        self._valid_until = self._monotonic() + seconds - RENEW_BEFORE_SECONDS
