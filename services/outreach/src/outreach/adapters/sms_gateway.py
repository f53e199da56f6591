"""Text messages by Twilio's Messages API (documented form; any provider that speaks it)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import httpx
import stamina

from outreach.use_cases.ports import NotSent, SendingUnsure

CALLBACK_PATH: Final = "/v1/providers/sms/status"


def callback_url(public_url: str, debtor_id: str, attempt_id: str) -> str:
    """Return where the provider reports the message's status; the signature covers the whole of it."""
    query = urlencode({"debtor_id": debtor_id, "attempt_id": attempt_id})
    return f"{public_url.rstrip('/')}{CALLBACK_PATH}?{query}"


class SmsGateway:
    """Sends with an idempotency token, so that a repeated call never sends twice."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, account: str, token: str, sender: str, public_url: str
    ) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._auth = httpx.BasicAuth(account, token)
        self._sender = sender
        self._public_url = public_url

    async def send(self, to: str, text: str, attempt_id: str, debtor_id: str) -> str:
        """Send once for this attempt and return the provider's message id.

        Raises:
            NotSent: refused, or never reached in several tries. SendingUnsure: no clear answer in several tries.
        """
        form = {
            "To": to,
            "From": self._sender,
            "Body": text,
            "StatusCallback": callback_url(self._public_url, debtor_id, attempt_id),
        }
        unsure = False
        try:
            async for attempt in stamina.retry_context(
                on=(SendingUnsure, httpx.ConnectError), attempts=4, timeout=15, wait_initial=0.2, wait_max=2.0
            ):
                with attempt:
                    try:
                        return await self._post(form, attempt_id)
                    except SendingUnsure:
                        unsure = True
                        raise
        except httpx.ConnectError as error:
            if unsure:
                raise SendingUnsure("no clear answer, then no connection") from error
            raise NotSent(f"the provider cannot be reached: {error}", passing=True) from error
        raise AssertionError("unreachable")

    async def _post(self, form: dict[str, str], attempt_id: str) -> str:
        headers = {"I-Twilio-Idempotency-Token": attempt_id, "Idempotency-Key": attempt_id}
        try:
            answer = await self._http.post(self._url, data=form, headers=headers, auth=self._auth)
        except httpx.ConnectError:
            raise
        except httpx.HTTPError as error:
            raise SendingUnsure(f"no answer: {type(error).__name__}") from error
        if answer.status_code >= 500:
            raise SendingUnsure(f"answer {answer.status_code}")
        if answer.status_code >= 400:
            raise NotSent(f"refused with {_code(answer)}", passing=answer.status_code == 429)
        try:
            return str(answer.json()["sid"])
        except (ValueError, KeyError, TypeError) as error:
            raise SendingUnsure(f"answer {answer.status_code} names no message") from error


def _code(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
        return f"{answer.status_code}, code {body.get('code')}"
    except ValueError:
        return str(answer.status_code)
