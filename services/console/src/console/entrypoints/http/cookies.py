"""The console's cookies. Over https they carry the `__Host-` prefix; on loopback http they cannot, and do without."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

_SESSION: Final = "arrears-session"
_SIGN_IN: Final = "arrears-sign-in"


def session_token(connection: HTTPConnection) -> str:
    """Return the session's token, empty when the browser has none."""
    return _read(connection, _SESSION)


def sign_in_token(connection: HTTPConnection) -> str:
    """Return the token of a sign-in under way."""
    return _read(connection, _SIGN_IN)


def set_session(connection: HTTPConnection, response: Response, token: str, seconds: int) -> None:
    """Give the browser its session."""
    _set(connection, response, _SESSION, token, seconds)


def set_sign_in(connection: HTTPConnection, response: Response, token: str, seconds: int) -> None:
    """Give the browser the token of the sign-in that begins."""
    _set(connection, response, _SIGN_IN, token, seconds)


def forget(connection: HTTPConnection, response: Response) -> None:
    """Take both cookies back."""
    for name in (_SESSION, _SIGN_IN):
        _set(connection, response, name, "", 0)


def _secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme == "https"


def _name(connection: HTTPConnection, name: str) -> str:
    return f"__Host-{name}" if _secure(connection) else name


def _read(connection: HTTPConnection, name: str) -> str:
    return connection.cookies.get(_name(connection, name), "")


def _set(connection: HTTPConnection, response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, not Strict: the browser comes back from the provider by a link of another site and must bring the cookie.
    response.set_cookie(
        _name(connection, name), value, max_age=seconds, path="/", secure=_secure(connection), httponly=True,
        samesite="lax",
    )  # fmt: skip
