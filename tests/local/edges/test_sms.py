"""The SMS server as a client of Twilio's API sees it: acceptance, repeats, callbacks with true signatures, and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arrears.auth.webhooks import check_twilio
from arrears.testing.servers import serving
from arrears_local.ports import free_port
from arrears_local.providers.app import providers_app
from arrears_local.providers.messages import MessageBook
from arrears_local.providers.sms import INVALID_NUMBER, Account

ACCOUNT = Account()


class Receiver:
    """Takes status callbacks; it fails the first `failing` of them, as a service does that is being restarted."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.failing = 0
        self.attempts = 0

    async def take(self, request: Request) -> Response:
        self.attempts += 1
        if self.failing > 0:
            self.failing -= 1
            return Response(status_code=503)
        form = {name: str(value) for name, value in (await request.form()).items()}
        check_twilio(str(request.url), form, [ACCOUNT.token], request.headers.get("x-twilio-signature"))
        self.taken.put_nowait(form)
        return Response(status_code=204)


@dataclass(frozen=True)
class Sms:
    """The running server, a client with the account's credentials, and a receiver of callbacks."""

    http: httpx.AsyncClient
    receiver: Receiver

    async def send(self, to: str, token: str | None = None, **form: str) -> httpx.Response:
        fields = {"To": to, "From": "+8610000", "Body": "您好", "StatusCallback": self.receiver.url} | form
        headers = {} if token is None else {"I-Twilio-Idempotency-Token": token}
        path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
        return await self.http.post(path, data=fields, headers=headers, auth=(ACCOUNT.sid, ACCOUNT.token))

    async def statuses(self, count: int) -> list[str]:
        return [(await self.receiver.taken.get())["MessageStatus"] for _ in range(count)]

    async def messages(self, to: str) -> list[dict[str, Any]]:
        return list((await self.http.get("/messages", params={"to": to})).json()["messages"])


@pytest.fixture
async def sms() -> AsyncIterator[Sms]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/status", receiver.take, methods=["POST"])])
    async with (
        serving(lambda _: app) as receiver_url,
        serving(lambda _: providers_app(ACCOUNT, "127.0.0.1", free_port())) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        receiver.url = f"{receiver_url}/v1/status?attempt=7"
        yield Sms(http, receiver)


async def test_a_message_is_queued_then_sent_then_delivered(sms: Sms) -> None:
    answer = await sms.send("+8613800000001")
    assert answer.status_code == 201
    accepted = answer.json()
    assert (accepted["status"], accepted["to"], accepted["sid"][:2]) == ("queued", "+8613800000001", "SM")
    assert await sms.statuses(2) == ["sent", "delivered"]
    fetched = await sms.http.get(accepted["uri"], auth=(ACCOUNT.sid, ACCOUNT.token))
    assert fetched.json()["status"] == "delivered"


async def test_a_number_that_ends_in_0_is_unreachable(sms: Sms) -> None:
    await sms.send("+8613800000000")
    assert await sms.statuses(2) == ["sent", "undelivered"]
    (message,) = await sms.messages("+8613800000000")
    assert message["error_code"] == 30003


async def test_one_idempotency_token_sends_one_message(sms: Sms) -> None:
    first, second = [await sms.send("+8613800000001", "permit-1") for _ in range(2)]
    other = await sms.send("+8613800000001", "permit-2")
    assert first.json()["sid"] == second.json()["sid"] != other.json()["sid"]
    assert [m["requests"] for m in await sms.messages("+8613800000001")] == [2, 1]


async def test_after_a_lost_answer_the_repeat_finds_the_message(sms: Sms) -> None:
    assert (await sms.send("+8613800000008", "permit-3")).status_code == 503
    again = await sms.send("+8613800000008", "permit-3")
    assert again.status_code == 201
    assert await sms.statuses(2) == ["sent", "delivered"]
    assert len(await sms.messages("+8613800000008")) == 1


async def test_a_number_that_ends_in_9_is_called_back_twice(sms: Sms) -> None:
    await sms.send("+8613800000009")
    assert await sms.statuses(4) == ["sent", "sent", "delivered", "delivered"]


async def test_callbacks_are_repeated_until_they_are_taken(sms: Sms) -> None:
    sms.receiver.failing = 1
    await sms.send("+8613800000002")
    assert await sms.statuses(2) == ["sent", "delivered"]
    assert sms.receiver.attempts == 3


def test_the_same_requests_get_the_same_sids_in_every_run() -> None:
    """Sids stand in events, and the same seed must give the same events."""

    def sids() -> list[str]:
        book = MessageBook()
        return [book.accept("+8613800000001", "+8610000", "x", "", token)[0].sid for token in ("permit-1", None, None)]

    assert sids() == sids()
    assert len(set(sids())) == 3


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "13800000001"}, 21211),
        ({"To": INVALID_NUMBER}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
async def test_a_wrong_field_is_refused_with_twilios_code(sms: Sms, form: dict[str, str], code: int) -> None:
    answer = await sms.send("+8613800000001", **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await sms.messages("+8613800000001") == []


async def test_without_the_accounts_credentials_nothing_is_sent(sms: Sms) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    for auth in (httpx.Auth(), httpx.BasicAuth(ACCOUNT.sid, "wrong"), httpx.BasicAuth("AC2", ACCOUNT.token)):
        answer = await sms.http.post(path, data={"To": "+8613800000001"}, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    other = await sms.http.post("/2010-04-01/Accounts/AC2/Messages.json", auth=(ACCOUNT.sid, ACCOUNT.token))
    assert other.status_code == 404
