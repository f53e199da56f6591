"""Mint tokens of the development issuer; tests use it with a key of their own, also for forgeries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from arrears.auth.principal import Role
from arrears.auth.tokens import AUDIENCE

# One working day, so that nobody has to sign in again while developing. A real provider gives minutes.
ACCESS_SECONDS: Final = 8 * 3600


def mint(
    key: ECKey,
    *,
    issuer: str,
    subject: str,
    roles: Iterable[Role],
    now: float,
    name: str | None = None,
    audience: str = AUDIENCE,
    lifetime_seconds: int = ACCESS_SECONDS,
    claims: dict[str, Any] | None = None,
) -> str:
    """Return a signed access token (RFC 9068) issued at `now`, in seconds since the epoch; `claims` replace or add."""
    issued = int(now)
    content = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": issued,
        "nbf": issued,
        "exp": issued + lifetime_seconds,
        "roles": sorted(roles),
        "tenant": "default",
        "name": name or subject,
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}, content | (claims or {}), key)


def mint_identity(
    key: ECKey, *, issuer: str, subject: str, name: str, client_id: str, nonce: str | None, now: float
) -> str:
    """Return the ID token (OpenID Connect Core §2), which is no access token: its audience is the client."""
    issued = int(now)
    content = {
        "iss": issuer,
        "aud": client_id,
        "sub": subject,
        "name": name,
        "iat": issued,
        "exp": issued + 300,
        "auth_time": issued,
    }
    header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, content | ({"nonce": nonce} if nonce else {}), key)
