"""What a person's browser does at the development issuer, for the simulator and for tests: no screen needed."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx

from arrears.auth.keys import ProviderKeys
from arrears.auth.sign_in import SignedIn, SignIn
from arrears_local.issuer.directory import CLIENTS


class ChoiceRefused(Exception):
    """The issuer did not send the browser back with a code."""


async def choose(http: httpx.AsyncClient, authorization_url: str, subject: str) -> dict[str, str]:
    """Choose the user `subject` on the issuer's page and return the query parameters that the client gets.

    Raises:
        ChoiceRefused: there is no such user, or the request is wrong.
    """
    parts = urlsplit(authorization_url)
    form = {**dict(parse_qsl(parts.query)), "user": subject}
    answer = await http.post(parts._replace(query="").geturl(), data=form)
    if answer.status_code != 303:
        raise ChoiceRefused(f"the issuer answered {answer.status_code} for {subject}")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def sign_in(http: httpx.AsyncClient, issuer: str, subject: str, client_id: str = "simulator") -> SignedIn:
    """Sign the development user `subject` in through the code flow.

    Raises:
        ChoiceRefused, Unauthenticated, ProviderUnavailable: as `choose` and `SignIn` say.
    """
    client = CLIENTS[client_id]
    redirect_uri = f"http://127.0.0.1:8299{client.callback_path}"
    flow = SignIn(ProviderKeys(issuer, http), client_id, client.secret, redirect_uri, http)
    begun = await flow.begin()
    return await flow.complete(begun, await choose(http, begun.url, subject))
