"""Sessions in the console's own database; the browser holds a random token, the table its hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from arrears.auth.principal import Principal, Role
from arrears.auth.sign_in import Begun, SignedIn
from arrears.database import Database

SIGN_IN_SECONDS: Final = 600
MAX_SESSION_SECONDS: Final = 12 * 3600


@dataclass(frozen=True, slots=True)
class SignInUnderWay:
    """A sign-in that the browser came back for, and where the person wanted to go."""

    begun: Begun
    next_path: str


class Sessions:
    """Opens, finds and closes sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, begun: Begun, next_path: str) -> str:
        """Remember a sign-in under way and return the token for the browser."""
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO console.sign_in (token_hash, state, nonce, code_verifier, next_path, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
                _hash(token), begun.state, begun.nonce, begun.code_verifier, next_path, SIGN_IN_SECONDS,
            )  # fmt: skip
        return token

    async def take(self, token: str) -> SignInUnderWay | None:
        """Return a sign-in under way, once: a second return with the same token finds nothing."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM console.sign_in WHERE expires_at < now()")
            row = await connection.fetchrow(
                "DELETE FROM console.sign_in WHERE token_hash = $1 RETURNING *", _hash(token)
            )
        if row is None:
            return None
        return SignInUnderWay(Begun("", row["state"], row["nonce"], row["code_verifier"]), row["next_path"])

    async def open(self, signed_in: SignedIn) -> tuple[str, int]:
        """Open a session and return its token and how many seconds it lives; never longer than the access token."""
        token, who = secrets.token_urlsafe(32), signed_in.principal
        seconds = min(signed_in.expires_in_seconds, MAX_SESSION_SECONDS)
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM console.session WHERE expires_at < now()")
            await connection.execute(
                "INSERT INTO console.session (token_hash, subject, name, tenant, roles, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
                _hash(token), who.subject, who.name, who.tenant, sorted(who.roles), seconds,
            )  # fmt: skip
        return token, seconds

    async def find(self, token: str) -> Principal | None:
        """Return who holds the session, None when there is none or it has ended."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT subject, name, tenant, roles FROM console.session WHERE token_hash = $1 AND expires_at > now()",
                _hash(token),
            )
        if row is None:
            return None
        return Principal(row["subject"], frozenset(Role(role) for role in row["roles"]), row["tenant"], row["name"])

    async def close(self, token: str) -> None:
        """End a session."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM console.session WHERE token_hash = $1", _hash(token))


def form_token(session_token: str) -> str:
    """Return what a form must send back to prove that our page made it; it gives the session away to nobody."""
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
