"""The published keys of an OIDC provider: discovered once, cached, read again when a key is unknown or old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

MAX_AGE_SECONDS: Final = 600
# A stranger can invent key ids at will; without this pause each would cost a request to the provider.
MIN_PAUSE_SECONDS: Final = 10


class ProviderUnavailable(Exception):
    """The OIDC provider does not answer, or not with what OIDC discovery promises."""


class ProviderKeys:
    """Key set of `issuer`, from the `jwks_uri` of its discovery document (OpenID Connect Discovery 1.0 §4)."""

    def __init__(
        self,
        issuer: str,
        http: httpx.AsyncClient,
        *,
        min_pause_seconds: float = MIN_PAUSE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer: Final = issuer
        self._http = http
        self._min_pause = min_pause_seconds
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def current(self) -> KeySet:
        """Return the keys, read again when older than MAX_AGE_SECONDS; old ones serve while the provider is down.

        Raises:
            ProviderUnavailable: there are no keys yet and the provider does not answer.
        """
        if self._keys is not None and self._monotonic() - self._read_at < MAX_AGE_SECONDS:
            return self._keys
        return await self.refreshed()

    async def refreshed(self) -> KeySet:
        """Return the keys after one more look at the provider, at most one look per pause.

        Raises:
            ProviderUnavailable: as in `current`.
        """
        asked_at = self._monotonic()
        async with self._reading:
            if self._keys is not None and (self._read_at >= asked_at or self._paused()):
                return self._keys
            self._tried_at = self._monotonic()
            try:
                self._keys = await self._read()
                self._read_at = self._monotonic()
            except ProviderUnavailable:
                if self._keys is None:
                    raise
            return self._keys

    def _paused(self) -> bool:
        return self._monotonic() - self._tried_at < self._min_pause

    async def _read(self) -> KeySet:
        discovered = await self._json(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if discovered.get("issuer") != self.issuer:
            raise ProviderUnavailable(f"{self.issuer} says that its issuer is {discovered.get('issuer')!r}")
        published = await self._json(str(discovered.get("jwks_uri")))
        keys = published.get("keys")
        usable = [key for each in keys if (key := _signing_key(each))] if isinstance(keys, list) else []
        if not usable:
            raise ProviderUnavailable(f"{self.issuer} publishes no key that we can use")
        return KeySet(usable)

    async def _json(self, url: str) -> dict[str, Any]:
        try:
            answer = await self._http.get(url)
            answer.raise_for_status()
            document = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProviderUnavailable(f"no answer from {url}: {error}") from error
        if not isinstance(document, dict):
            raise ProviderUnavailable(f"{url} holds no JSON object")
        return document


def _signing_key(published: object) -> Key | None:
    """Return the key if it is one for signatures that we understand; a provider may publish others beside it."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig" or published.get("kty") == "oct":
        return None
    try:
        return JWKRegistry.import_key(published)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
