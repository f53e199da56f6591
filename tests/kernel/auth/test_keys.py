"""Key rotation, strangers' key ids, other algorithms, and a provider that is away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.keys import MAX_AGE_SECONDS, ProviderKeys
from arrears.auth.tokens import TokenVerifier, Unauthenticated
from arrears.testing.servers import serving


class Provider:
    """A provider whose published keys a test changes; it counts how often they are read."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.issuer = url
        self.keys: list[dict[str, Any]] = []
        self.reads = 0
        self.status = 200

    def publish(self, *keys: Key) -> None:
        self.keys = [dict(key.as_dict(private=isinstance(key, OctKey))) for key in keys]

    async def discovery(self, request: Request) -> Response:
        return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{self.url}/keys"}, self.status)

    async def jwks(self, request: Request) -> Response:
        self.reads += 1
        return JSONResponse({"keys": self.keys})

    def token(self, key: Key, algorithm: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "arrears", "sub": "s", "exp": now + 60, "roles": ["auditor"]}
        registry = JWSRegistry(algorithms=[algorithm])
        return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, registry=registry)


@asynccontextmanager
async def provider_and_keys(clock: list[float]) -> AsyncIterator[tuple[Provider, ProviderKeys]]:
    found: list[Provider] = []

    def make(url: str) -> Starlette:
        found.append(Provider(url))
        routes = [Route("/.well-known/openid-configuration", found[0].discovery), Route("/keys", found[0].jwks)]
        return Starlette(routes=routes)

    async with serving(make) as url, httpx.AsyncClient(timeout=60, trust_env=False) as http:
        yield found[0], ProviderKeys(url, http, monotonic=lambda: clock[0])


def fresh(kind: type[ECKey] | type[RSAKey] | type[OKPKey], size: Any) -> Key:
    key = kind.generate_key(size)
    key.ensure_kid()
    return key


async def test_a_rotated_key_is_found_and_the_old_one_stops_working() -> None:
    clock, old, new = [0.0], fresh(ECKey, "P-256"), fresh(ECKey, "P-256")
    async with provider_and_keys(clock) as (provider, keys):
        verifier = TokenVerifier(keys)
        provider.publish(old)
        await verifier.verify(provider.token(old, "ES256"))
        provider.publish(new)
        clock[0] += 11
        await verifier.verify(provider.token(new, "ES256"))
        with pytest.raises(Unauthenticated):
            await verifier.verify(provider.token(old, "ES256"))


async def test_invented_key_ids_cost_the_provider_one_look_a_pause() -> None:
    clock, key = [0.0], fresh(ECKey, "P-256")
    async with provider_and_keys(clock) as (provider, keys):
        provider.publish(key)
        verifier = TokenVerifier(keys)
        for _ in range(50):
            with pytest.raises(Unauthenticated):
                await verifier.verify(provider.token(fresh(ECKey, "P-256"), "ES256"))
        assert provider.reads == 1
        clock[0] += 11
        with pytest.raises(Unauthenticated):
            await verifier.verify(provider.token(fresh(ECKey, "P-256"), "ES256"))
        assert provider.reads == 2
        await verifier.verify(provider.token(key, "ES256"))


@pytest.mark.parametrize(
    ("algorithm", "kind", "size"), [("RS256", RSAKey, 2048), ("ES256", ECKey, "P-256"), ("Ed25519", OKPKey, "Ed25519")]
)
async def test_each_allowed_algorithm_passes(algorithm: str, kind: Any, size: Any) -> None:
    key = fresh(kind, size)
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(key)
        assert (await TokenVerifier(keys).verify(provider.token(key, algorithm))).subject == "s"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_the_old_name_of_ed25519_passes() -> None:
    key = fresh(OKPKey, "Ed25519")
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(key)
        assert (await TokenVerifier(keys).verify(provider.token(key, "EdDSA"))).subject == "s"


@pytest.mark.parametrize(
    ("algorithm", "kind", "size"), [("RS512", RSAKey, 2048), ("PS256", RSAKey, 2048), ("ES384", ECKey, "P-384")]
)
async def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: str, kind: Any, size: Any) -> None:
    key = fresh(kind, size)
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(key)
        with pytest.raises(Unauthenticated):
            await TokenVerifier(keys).verify(provider.token(key, algorithm))


async def test_unusable_published_keys_are_passed_over() -> None:
    key, secret = fresh(ECKey, "P-256"), OctKey.generate_key(256)
    secret.ensure_kid()
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(secret, key)
        provider.keys += [{"kty": "future"}, {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}]
        verifier = TokenVerifier(keys)
        await verifier.verify(provider.token(key, "ES256"))
        with pytest.raises(Unauthenticated):
            await verifier.verify(provider.token(secret, "HS256"))


async def test_a_published_encryption_key_verifies_nothing() -> None:
    key, other = fresh(ECKey, "P-256"), fresh(ECKey, "P-256")
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(key, other)
        provider.keys[0]["use"] = "enc"
        with pytest.raises(Unauthenticated):
            await TokenVerifier(keys).verify(provider.token(key, "ES256"))


async def test_known_keys_serve_while_the_provider_is_down_and_unknown_ones_do_not() -> None:
    clock, key = [0.0], fresh(ECKey, "P-256")
    async with provider_and_keys(clock) as (provider, keys):
        provider.status = 503
        with pytest.raises(ProviderUnavailable):
            await TokenVerifier(keys).verify(provider.token(key, "ES256"))
        provider.status = 200
        provider.publish(key)
        await TokenVerifier(keys).verify(provider.token(key, "ES256"))
        provider.status = 503
        clock[0] += MAX_AGE_SECONDS + 1
        await TokenVerifier(keys).verify(provider.token(key, "ES256"))


async def test_a_provider_that_names_another_issuer_is_not_trusted() -> None:
    key = fresh(ECKey, "P-256")
    async with provider_and_keys([0.0]) as (provider, keys):
        provider.publish(key)
        provider.issuer = "http://127.0.0.1:1"
        with pytest.raises(ProviderUnavailable):
            await TokenVerifier(keys).verify(provider.token(key, "ES256"))


@pytest.mark.parametrize("address", ["", "http://[", "http://127.0.0.1:1/nobody"])
async def test_an_address_that_is_none_is_a_provider_that_is_away(address: str) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        with pytest.raises(ProviderUnavailable):
            await ProviderKeys(address, http).current()
