"""The token with which one of our services calls another (OAuth 2.0 client credentials, RFC 6749 §4.4)."""

from __future__ import annotations

import time
from typing import Final

import httpx

_EARLY_SECONDS: Final = 30


class ServiceTokens:
    """Draws a token when asked and keeps it until shortly before it expires."""

    def __init__(self, issuer: str, client: str, secret: str, http: httpx.AsyncClient) -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client
        self._secret = secret
        self._http = http
        self._token = ""
        self._until = 0.0

    async def headers(self) -> dict[str, str]:
        """Return the authorization header.

        Raises:
            httpx.HTTPError: the issuer does not answer or refuses the client.
        """
        if time.monotonic() >= self._until:
            answer = await self._http.post(
                f"{self._issuer}/token",
                data={"grant_type": "client_credentials"},
                auth=(self._client, self._secret),
            )
            answer.raise_for_status()
            body = answer.json()
            self._token = body["access_token"]
            self._until = time.monotonic() + int(body.get("expires_in", 60)) - _EARLY_SECONDS
        return {"authorization": f"Bearer {self._token}"}
