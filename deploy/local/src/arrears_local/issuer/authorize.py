"""The authorization endpoint: check the request, show whom one can be, send the browser back with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from arrears_local.issuer.directory import CLIENTS

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
PARAMETERS: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "ui_locales",
)


class UnsafeRequest(Exception):
    """Client or address is wrong, so the browser must not be sent anywhere (RFC 6749 §4.1.2.1)."""


class RefusedRequest(Exception):
    """The request is wrong in a way that the client may be told by redirect."""

    def __init__(self, code: str, description: str, back: str) -> None:
        super().__init__(description)
        self.location: Final = back_to(back, {"error": code, "error_description": description})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked request; `raw` is what the form must repeat."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str | None
    nonce: str | None
    raw: Mapping[str, str]


def read_request(parameters: Mapping[str, str], issuer: str) -> AuthorizationRequest:
    """Return the request.

    Raises:
        UnsafeRequest: unknown client, or an address that is not the client's on this machine.
        RefusedRequest: not the code flow, or without an S256 challenge: `plain` protects nothing.
    """
    raw = {name: parameters[name] for name in PARAMETERS if parameters.get(name)}
    client = CLIENTS.get(raw.get("client_id", ""))
    if client is None or client.callback_path is None:
        raise UnsafeRequest("this client may not sign people in")
    redirect_uri = raw.get("redirect_uri", "")
    parts = urlsplit(redirect_uri)
    if (parts.scheme, parts.path) != ("http", client.callback_path) or parts.hostname not in _LOOPBACK or parts.query:
        raise UnsafeRequest(f"redirect_uri must be http on this machine with the path {client.callback_path}")
    state = raw.get("state")
    back = back_to(redirect_uri, {"iss": issuer} | ({"state": state} if state else {}))
    if raw.get("response_type") != "code":
        raise RefusedRequest("unsupported_response_type", "only the code flow is offered", back)
    challenge = raw.get("code_challenge", "")
    if raw.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise RefusedRequest("invalid_request", "PKCE with code_challenge_method=S256 is needed", back)
    return AuthorizationRequest(client.client_id, redirect_uri, challenge, state, raw.get("nonce"), raw)


def back_to(redirect_uri: str, answer: Mapping[str, str]) -> str:
    """Return `redirect_uri` with the answer added to its query."""
    parts = urlsplit(redirect_uri)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *answer.items()])))
