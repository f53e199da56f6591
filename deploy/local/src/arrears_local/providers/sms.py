"""Twilio's documented Messages API: create, fetch, and status callbacks that are signed as Twilio signs them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx
import stamina
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arrears.auth.webhooks import twilio_signature
from arrears_local.providers.messages import UNREACHABLE_HANDSET, Message, MessageBook, Status, fate_of

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
# Twilio's own test number for "this is no telephone number".
INVALID_NUMBER: Final = "+15005550001"
MAX_BODY_CHARACTERS: Final = 1600


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of the SMS server: `sid` names it in the path, `token` is password and signing key."""

    sid: str = "AC00000000000000000000000000000001"
    token: str = "sms-development-token"


class CallbackFailed(Exception):
    """The receiver did not take the status callback."""


class ApiError(Exception):
    """An error answer with Twilio's code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status: Final = status
        self.code: Final = code


class SmsServer:
    """Answers the API and calls back in the background, in order for each message."""

    def __init__(self, account: Account, book: MessageBook, http: httpx.AsyncClient) -> None:
        self._account = account
        self._book = book
        self._http = http
        self._calling: set[asyncio.Task[None]] = set()
        self._called = 0

    def routes(self) -> list[Route]:
        messages = "/2010-04-01/Accounts/{account}/Messages"
        return [
            Route(messages + ".json", self.create, methods=["POST"]),
            Route(messages + "/{sid}.json", self.fetch, methods=["GET"]),
            Route("/messages", self.list_all, methods=["GET"]),
            Route("/callbacks", self.count_callbacks, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Accept a message (201, queued); the same idempotency token gets the same message and sends nothing more."""
        try:
            self._authenticate(request)
            form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
            to, sender, body = _checked(form)
        except ApiError as error:
            return _error(error)
        token = request.headers.get("i-twilio-idempotency-token") or request.headers.get("idempotency-key")
        message, new = self._book.accept(to, sender, body, form.get("StatusCallback", ""), token)
        if new:
            calling = asyncio.create_task(self._deliver(message))
            self._calling.add(calling)
            calling.add_done_callback(self._calling.discard)
            if fate_of(to).first_answer_lost:
                return _error(ApiError(503, 20503, "Service unavailable"))
        return JSONResponse(self._as_json(message), 201)

    async def fetch(self, request: Request) -> Response:
        try:
            self._authenticate(request)
        except ApiError as error:
            return _error(error)
        message = self._book.get(request.path_params["sid"])
        if message is None:
            return _error(ApiError(404, 20404, "The requested resource was not found"))
        return JSONResponse(self._as_json(message))

    async def list_all(self, request: Request) -> Response:
        """For tests and the demo, not part of Twilio: every message with the callbacks made, `?to=` for one number."""
        return JSONResponse(
            {"messages": [asdict(message) for message in self._book.all(request.query_params.get("to"))]}
        )

    async def count_callbacks(self, request: Request) -> Response:
        """For tests and the demo, not part of Twilio: callbacks made so far, and messages that still have some to make."""
        return JSONResponse({"made": self._called, "under_way": len(self._calling)})

    async def close(self) -> None:
        """Stop calling back."""
        for calling in self._calling:
            calling.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)

    def _authenticate(self, request: Request) -> None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(text, validate=True)
        except binascii.Error:
            given = b""
        wanted = f"{self._account.sid}:{self._account.token}".encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given, wanted):
            raise ApiError(401, 20003, "Authenticate")
        if request.path_params["account"] != self._account.sid:
            raise ApiError(404, 20404, "The requested resource was not found")

    async def _deliver(self, message: Message) -> None:
        fate = fate_of(message.to)
        for status in fate.statuses:
            message.status = status
            message.error_code = UNREACHABLE_HANDSET if status == "undelivered" else None
            for _ in range(fate.callbacks_each if message.status_callback else 0):
                await self._call_back(message, status)

    async def _call_back(self, message: Message, status: Status) -> None:
        params = {
            "AccountSid": self._account.sid,
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": message.to,
            "From": message.sender,
            "ApiVersion": "2010-04-01",
        }
        if message.error_code is not None:
            params["ErrorCode"] = str(message.error_code)
        signature = twilio_signature(message.status_callback, params, self._account.token)
        try:
            async for attempt in stamina.retry_context(on=CallbackFailed, attempts=20, timeout=60, wait_max=5.0):
                with attempt:
                    await self._post(message.status_callback, params, signature)
        except CallbackFailed:
            message.callbacks.append(f"{status} (not taken)")
        else:
            message.callbacks.append(status)
        self._called += 1

    async def _post(self, url: str, params: dict[str, str], signature: str) -> None:
        try:
            answer = await self._http.post(url, data=params, headers={"X-Twilio-Signature": signature})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CallbackFailed(str(error)) from error
        if answer.status_code >= 500:
            raise CallbackFailed(f"{answer.status_code} from {url}")

    def _as_json(self, message: Message) -> dict[str, Any]:
        path = f"/2010-04-01/Accounts/{self._account.sid}/Messages/{message.sid}.json"
        return {
            "account_sid": self._account.sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "direction": "outbound-api",
            "error_code": message.error_code,
            "error_message": None,
            "from": message.sender,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "sid": message.sid,
            "status": message.status,
            "to": message.to,
            "uri": path,
        }


def _checked(form: dict[str, str]) -> tuple[str, str, str]:
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise ApiError(400, 21604, "A 'To' phone number is required.")
    if to == INVALID_NUMBER or not _E164.fullmatch(to):
        raise ApiError(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not sender:
        raise ApiError(400, 21603, "A 'From' phone number is required.")
    if not body:
        raise ApiError(400, 21602, "Message body is required.")
    if len(body) > MAX_BODY_CHARACTERS:
        raise ApiError(400, 21617, f"The concatenated message body exceeds the {MAX_BODY_CHARACTERS} character limit.")
    return to, sender, body


def _error(error: ApiError) -> JSONResponse:
    body = {"code": error.code, "message": str(error), "more_info": f"errors/{error.code}", "status": error.status}
    return JSONResponse(body, error.status)
