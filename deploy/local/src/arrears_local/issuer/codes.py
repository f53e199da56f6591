"""Authorization codes: valid for a minute, once, and only for whoever knows the PKCE verifier (RFC 7636, S256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LIFETIME_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person agreed to by choosing a user."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    subject: str


class CodeRefused(Exception):
    """The code is unknown, used, too old, of another client or address, or the verifier is wrong."""


class Codes:
    """Codes given and not yet used. In memory: a restart makes them void, which is safe."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._given: dict[str, tuple[float, Grant]] = {}

    def give(self, grant: Grant) -> str:
        self._forget_old()
        code = secrets.token_urlsafe(32)
        self._given[code] = (self._now() + LIFETIME_SECONDS, grant)
        return code

    def redeem(self, code: str, client_id: str, redirect_uri: str, verifier: str) -> Grant:
        """Return the grant; whatever the outcome, the code is spent.

        Raises:
            CodeRefused: as the class says.
        """
        self._forget_old()
        _, grant = self._given.pop(code, (0.0, None))
        if grant is None:
            raise CodeRefused("the code is unknown, used or too old")
        if (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
            raise CodeRefused("the code was given to another client or address")
        if not 43 <= len(verifier) <= 128 or not hmac.compare_digest(challenge_of(verifier), grant.code_challenge):
            raise CodeRefused("the code verifier does not match the challenge")
        return grant

    def _forget_old(self) -> None:
        now = self._now()
        self._given = {code: given for code, given in self._given.items() if given[0] > now}


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
