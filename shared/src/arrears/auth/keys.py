"""The published keys of an OIDC provider: discovered once, cached, read again when a key is unknown or old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from arrears.auth.discovery import ProviderUnavailable, discover, json_document

MAX_AGE_SECONDS: Final = 600
# A stranger can invent key ids at will; without this pause each would cost a request to the provider.
MIN_PAUSE_SECONDS: Final = 10


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
        provider = await discover(self.issuer, self._http)
        published = await json_document(self._http, "GET", str(provider.get("jwks_uri")))
        keys = published.get("keys")
        usable = [key for each in keys if (key := _signing_key(each))] if isinstance(keys, list) else []
        if not usable:
            raise ProviderUnavailable(f"{self.issuer} publishes no key that we can use")
        return KeySet(usable)


def _signing_key(published: object) -> Key | None:
    """Return the key if it is one for signatures that we understand; a provider may publish others beside it."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig" or published.get("kty") == "oct":
        return None
    try:
        return JWKRegistry.import_key(published)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
