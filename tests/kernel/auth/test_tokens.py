"""Tokens are checked against the keys that a real issuer publishes; every listed forgery is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt

from arrears.auth.principal import Principal, Role
from arrears.auth.tokens import MAX_TOKEN_CHARACTERS, Unauthenticated
from arrears_local.issuer.keys import new_key
from arrears_local.issuer.running import RunningIssuer
from arrears_local.issuer.tokens import mint, mint_identity

Forge = Callable[[RunningIssuer], str]


def claims_of(issuer: RunningIssuer, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": issuer.url, "aud": "arrears", "sub": "x", "iat": now, "exp": now + 60, "roles": ["admin"]}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(issuer: RunningIssuer, header: dict[str, Any] | None = None, **changed: Any) -> str:
    return jwt.encode(
        {"alg": "ES256", "kid": issuer.key.kid, **(header or {})}, claims_of(issuer, **changed), issuer.key
    )


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def without_signature(issuer: RunningIssuer) -> str:
    return f"{part({'alg': 'none', 'kid': issuer.key.kid})}.{part(claims_of(issuer))}."


def hmac_with_the_public_key(issuer: RunningIssuer) -> str:
    """The classic confusion: the published key as the secret of HS256."""
    public = issuer.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': issuer.key.kid})}.{part(claims_of(issuer))}"
    tag = hmac.new(public, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(tag).decode().rstrip('=')}"


def by_another_key_with_our_kid(issuer: RunningIssuer) -> str:
    header = {"alg": "ES256", "kid": issuer.key.kid}
    return jwt.encode(header, claims_of(issuer), new_key())


def with_its_own_key_inside(issuer: RunningIssuer) -> str:
    """A token that brings the key to check it with, in the header."""
    own = new_key()
    header = {"alg": "ES256", "kid": own.kid, "jwk": own.as_dict(private=False)}
    return jwt.encode(header, claims_of(issuer), own)


def with_a_key_address_inside(issuer: RunningIssuer) -> str:
    own = new_key()
    return jwt.encode({"alg": "ES256", "kid": own.kid, "jku": f"{issuer.url}/jwks"}, claims_of(issuer), own)


def with_changed_roles(issuer: RunningIssuer) -> str:
    header, _, signature = issuer.token(Role.collector).split(".")
    return f"{header}.{part(claims_of(issuer, roles=['admin']))}.{signature}"


def an_identity_token(issuer: RunningIssuer) -> str:
    return mint_identity(
        issuer.key, issuer=issuer.url, subject="x", name="x", client_id="console", nonce=None, now=time.time()
    )


FORGERIES: dict[str, Forge] = {
    "alg none": without_signature,
    "HS256 with the public key": hmac_with_the_public_key,
    "another key under our kid": by_another_key_with_our_kid,
    "its own key in the header": with_its_own_key_inside,
    "a key address in the header": with_a_key_address_inside,
    "changed payload": with_changed_roles,
    "identity token": an_identity_token,
    "unknown kid": lambda i: jwt.encode({"alg": "ES256", "kid": "invented"}, claims_of(i), i.key),
    "expired": lambda i: i.token(Role.admin, now=time.time() - 9 * 3600),
    "not yet valid": lambda i: i.token(Role.admin, now=time.time() + 3600),
    "wrong audience": lambda i: i.token(Role.admin, audience="another system"),
    "wrong issuer": lambda i: i.token(Role.admin, issuer="http://127.0.0.1:1"),
    "no expiry": lambda i: signed(i, exp=None),
    "expiry as text": lambda i: signed(i, exp="tomorrow"),
    "no subject": lambda i: signed(i, sub=None),
    "empty subject": lambda i: signed(i, sub=""),
    "no audience": lambda i: signed(i, aud=None),
    "no issuer": lambda i: signed(i, iss=None),
    "no roles": lambda i: signed(i, roles=None),
    "roles as text": lambda i: signed(i, roles="admin"),
    "unknown roles only": lambda i: signed(i, roles=["root", 7, {}]),
    "tenant as number": lambda i: signed(i, tenant=7),
    "critical extension": lambda i: with_critical_header(i),
    "empty": lambda i: "",
    "not a token": lambda i: "a.b.c",
    "not ASCII": lambda i: i.token(Role.admin)[:-1] + "é",
    "five parts": lambda i: i.token(Role.admin) + ".a.b",
    "too long": lambda i: signed(i, name="x" * MAX_TOKEN_CHARACTERS),
}


def with_critical_header(issuer: RunningIssuer) -> str:
    """RFC 7515 §4.1.11: what is critical and not understood must be refused."""
    text = f"{part({'alg': 'ES256', 'kid': issuer.key.kid, 'crit': ['b65'], 'b65': 1})}.{part(claims_of(issuer))}"
    good = jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims_of(issuer), issuer.key)
    return f"{text}.{good.rpartition('.')[2]}"


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_is_refused(issuer: RunningIssuer, name: str) -> None:
    with pytest.raises(Unauthenticated):
        await issuer.verifier().verify(FORGERIES[name](issuer))


async def test_a_good_token_names_its_caller(issuer: RunningIssuer) -> None:
    token = issuer.token(
        Role.collector, Role.lead, subject="lead-1", name="王磊", claims={"roles": ["lead", "collector", "x"]}
    )
    found = await issuer.verifier().verify(token)
    assert found == Principal("lead-1", frozenset({Role.collector, Role.lead}), "default", "王磊")


async def test_a_token_just_within_the_leeway_passes_and_just_beyond_does_not(issuer: RunningIssuer) -> None:
    issued = time.time()
    token = issuer.token(Role.auditor, now=issued, lifetime_seconds=60)
    await issuer.verifier(now=lambda: issued + 80).verify(token)
    with pytest.raises(Unauthenticated):
        await issuer.verifier(now=lambda: issued + 95).verify(token)


async def test_a_token_that_passed_is_refused_once_it_ends(issuer: RunningIssuer) -> None:
    clock = [time.time()]
    verifier, token = issuer.verifier(now=lambda: clock[0]), issuer.token(Role.lead, lifetime_seconds=60)
    assert await verifier.verify(token) is await verifier.verify(token)
    clock[0] += 95
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_token_that_passed_does_not_vouch_for_a_forged_one(issuer: RunningIssuer) -> None:
    verifier, token = issuer.verifier(), issuer.token(Role.lead)
    await verifier.verify(token)
    for forged in (token[:-8] + "AAAAAAAA", with_changed_roles(issuer)):
        with pytest.raises(Unauthenticated):
            await verifier.verify(forged)


async def test_an_audience_list_that_contains_ours_passes(issuer: RunningIssuer) -> None:
    token = signed(issuer, aud=["account", "arrears"])
    assert (await issuer.verifier().verify(token)).roles == {Role.admin}


def test_a_minted_token_is_an_access_token_by_its_type() -> None:
    token = mint(new_key(), issuer="i", subject="s", roles=[Role.lead], now=0)
    assert json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))["typ"] == "at+jwt"
