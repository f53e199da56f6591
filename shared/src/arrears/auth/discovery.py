"""Read the documents that an OIDC provider publishes (OpenID Connect Discovery 1.0 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ProviderUnavailable(Exception):
    """The OIDC provider does not answer, or not with what OIDC discovery promises."""


async def discover(issuer: str, http: httpx.AsyncClient) -> dict[str, Any]:
    """Return the provider's metadata.

    Raises:
        ProviderUnavailable: no answer, or the document is of another issuer.
    """
    document = await json_document(http, "GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise ProviderUnavailable(f"{issuer} says that its issuer is {document.get('issuer')!r}")
    return document


async def json_document(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    form: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> dict[str, Any]:
    """Return the JSON object that the provider answers.

    Raises:
        ProviderUnavailable: no answer, an error status, or no JSON object.
    """
    try:
        answer = await http.request(method, url, data=form, auth=auth)
        answer.raise_for_status()
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderUnavailable(f"no answer from {url}: {error!r}") from error
    if not isinstance(document, dict):
        raise ProviderUnavailable(f"{url} holds no JSON object")
    return document
