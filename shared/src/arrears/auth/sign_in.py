"""Sign a person in at the OIDC provider: authorization code with PKCE (RFC 7636, RFC 9207), the client's part.

`begin` makes what the browser needs and what the session must keep; `complete` takes what the browser brings back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from arrears.auth.discovery import discover, json_document
from arrears.auth.keys import ProviderKeys
from arrears.auth.principal import Principal
from arrears.auth.tokens import TokenVerifier, Unauthenticated, verified_claims


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way. Keep it in the browser's session, encrypted or on the server; send the browser to `url`."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person signed in: `access_token` is what services accept in that person's name."""

    principal: Principal
    access_token: str
    expires_in_seconds: int


class SignIn:
    """The sign-in of one client of one provider."""

    def __init__(
        self, keys: ProviderKeys, client_id: str, secret: str, redirect_uri: str, http: httpx.AsyncClient
    ) -> None:
        self._keys = keys
        self._verifier = TokenVerifier(keys)
        self._client_id = client_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._http = http

    async def begin(self, ui_locales: str = "") -> Begun:
        """Return a new sign-in; `ui_locales` asks the provider for a language, e.g. `zh-CN`.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        provider = await discover(self._keys.issuer, self._http)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | ({"ui_locales": ui_locales} if ui_locales else {})
        return Begun(f"{provider.get('authorization_endpoint')}?{urlencode(query)}", state, nonce, verifier)

    async def complete(self, begun: Begun, answer: Mapping[str, str]) -> SignedIn:
        """Return the person for the query parameters with which the browser came back.

        Raises:
            Unauthenticated: another state or issuer, an error from the provider, or a token that proves nothing.
            ProviderUnavailable: the provider does not answer, or refuses the code.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise Unauthenticated("the state is not the one we gave")
        if "error" in answer or answer.get("iss", self._keys.issuer) != self._keys.issuer or not answer.get("code"):
            raise Unauthenticated(f"the provider answered {answer.get('error', 'without a code')}")
        provider = await discover(self._keys.issuer, self._http)
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": self._redirect_uri,
            "code_verifier": begun.code_verifier,
        }
        basic = httpx.BasicAuth(self._client_id, self._secret)
        granted = await json_document(self._http, "POST", str(provider.get("token_endpoint")), form, basic)
        return await self._person(begun, granted)

    async def _person(self, begun: Begun, granted: Mapping[str, object]) -> SignedIn:
        access, identity = str(granted.get("access_token", "")), str(granted.get("id_token", ""))
        principal = await self._verifier.verify(access)
        claims = await verified_claims(self._keys, identity, self._client_id)
        if claims.get("nonce") != begun.nonce or claims["sub"] != principal.subject:
            raise Unauthenticated("the identity token belongs to another sign-in")
        seconds = granted.get("expires_in")
        return SignedIn(principal, access, seconds if isinstance(seconds, int) else 300)
