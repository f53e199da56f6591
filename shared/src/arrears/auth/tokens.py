"""Verify access tokens (JWS) of an OIDC provider, by the keys it publishes.

The algorithm comes from an allow-list and never from the token alone; the key comes from the provider's key set by
`kid` and never from the token's own `jwk`, `jku` or `x5u`. Time here is real time: the virtual clock must not
revive or expire a token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from arrears.auth.keys import ProviderKeys
from arrears.auth.principal import Principal, Role

AUDIENCE: Final = "arrears"
LEEWAY_SECONDS: Final = 30
MAX_TOKEN_CHARACTERS: Final = 8192
MAX_KNOWN_TOKENS: Final = 2000
_ROLES: Final = {role.value: role for role in Role}


class Unauthenticated(Exception):
    """The token does not prove who is calling. The message is for the log; callers learn only that it failed."""


class _AllowedAlgorithms(JWSRegistry):
    """RFC 9864 renamed EdDSA to Ed25519; providers still send the old name, so both mean the one curve we take."""

    algorithms = {  # noqa: RUF012  (joserfc declares it as a plain class attribute)
        "ES256": JWSRegistry.algorithms["ES256"],
        "RS256": JWSRegistry.algorithms["RS256"],
        "Ed25519": JWSRegistry.algorithms["Ed25519"],
        "EdDSA": JWSRegistry.algorithms["Ed25519"],
    }


_REGISTRY: Final = _AllowedAlgorithms(algorithms=list(_AllowedAlgorithms.algorithms))


class TokenVerifier:
    """Turns a bearer token of one issuer into a Principal.

    A signature is checked once for each token and key set: the same token comes with every request of a person or a
    service, and the check costs more than a short command. The end of the token is looked at every time.
    """

    def __init__(self, keys: ProviderKeys, *, audience: str = AUDIENCE, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._audience = audience
        self._now = now
        self._known: dict[str, tuple[Principal, float]] = {}
        self._known_by: KeySet | None = None

    async def verify(self, token: str) -> Principal:
        """Return the caller that `token` proves.

        Raises:
            Unauthenticated: forged, expired, not yet valid, of another issuer or audience, or without a known role.
            ProviderUnavailable: the provider's keys were never read and cannot be read now.
        """
        keys = await self._keys.current()
        if keys is not self._known_by or len(self._known) >= MAX_KNOWN_TOKENS:
            self._known, self._known_by = {}, keys
        known = self._known.get(token)
        if known is not None and known[1] > self._now() - LEEWAY_SECONDS:
            return known[0]
        claims = await verified_claims(self._keys, token, self._audience, self._now)
        principal = _principal(claims)
        self._known[token] = principal, claims["exp"]
        return principal


async def verified_claims(
    keys: ProviderKeys, token: str, audience: str, now: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Return the claims of a token for `audience` whose signature, issuer and times are right.

    Raises:
        Unauthenticated: they are not.
        ProviderUnavailable: as in `ProviderKeys.current`.
    """
    try:
        claims = await _signed_claims(keys, token)
        registry = jwt.JWTClaimsRegistry(
            now=int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": keys.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        registry.validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Unauthenticated(str(error)) from error
    return claims


async def _signed_claims(keys: ProviderKeys, token: str) -> dict[str, Any]:
    try:
        return _decode(token, await keys.current())
    except InvalidKeyIdError:  # the provider may have rotated its keys since we read them
        return _decode(token, await keys.refreshed())


def _decode(token: str, keys: KeySet) -> dict[str, Any]:
    if not token.isascii() or token.count(".") != 2 or len(token) > MAX_TOKEN_CHARACTERS:
        raise ValueError("not a signed JSON web token, or too long")
    return jwt.decode(token, keys, registry=_REGISTRY).claims


def _principal(claims: dict[str, Any]) -> Principal:
    named = claims.get("roles")
    if not isinstance(named, list):
        raise Unauthenticated("the token has no list of roles")
    roles = frozenset(_ROLES[name] for name in named if isinstance(name, str) and name in _ROLES)
    if not roles:
        raise Unauthenticated("the token names no role of this system")
    tenant, name = claims.get("tenant", "default"), claims.get("name", claims["sub"])
    if not isinstance(tenant, str) or not isinstance(name, str) or not claims["sub"]:
        raise Unauthenticated("sub, tenant and name must be text")
    return Principal(claims["sub"], roles, tenant, name)
