"""A person's access token, got as their browser would get it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx

from arrears_local.issuer.visitor import sign_in


class PersonToken(httpx.Auth):
    """Signs a user of the development issuer in by the code flow, and again when the token has expired."""

    def __init__(self, http: httpx.AsyncClient, issuer: str, subject: str) -> None:
        self._http, self._issuer, self._subject = http, issuer, subject
        self._token = ""
        self._signing_in = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = await self._signed_in("")
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {await self._signed_in(used)}"
            yield request

    async def _signed_in(self, rejected: str) -> str:
        async with self._signing_in:
            if self._token == rejected:
                self._token = (await sign_in(self._http, self._issuer, self._subject)).access_token
            return self._token
