"""The SMS server as a client of Twilio's API sees it: acceptance, repeats, callbacks with true signatures, and refusals."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
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
_tests = itertools.count(1)


class Receiver:
    """Takes status callbacks; it fails the first ones of a number in `failing`, as a service being restarted does."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
        self.failing: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()

    async def take(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        check_twilio(str(request.url), form, [ACCOUNT.token], request.headers.get("x-twilio-signature"))
        number = form["To"]
        self.attempts[number] += 1
        if self.failing[number] > 0:
            self.failing[number] -= 1
            return Response(status_code=503)
        self.taken[number].put_nowait(form["MessageStatus"])
        return Response(status_code=204)


@dataclass(frozen=True)
class Sms:
    """The running server, a client with the account's credentials, and a receiver of callbacks."""

    http: httpx.AsyncClient
    receiver: Receiver
    test: int

    def number(self, last: int) -> str:
        """Return this test's own number that ends in the digit that decides its fate."""
        return f"+86138{self.test:07d}{last}"

    async def send(self, last: int, token: str | None = None, **form: str) -> httpx.Response:
        fields = {
            "To": self.number(last),
            "From": "+8610000",
            "Body": "您好",
            "StatusCallback": self.receiver.url,
        } | form
        headers = {} if token is None else {"I-Twilio-Idempotency-Token": f"{self.test}/{token}"}
        path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
        return await self.http.post(path, data=fields, headers=headers, auth=(ACCOUNT.sid, ACCOUNT.token))

    async def statuses(self, last: int, count: int) -> list[str]:
        return [await self.receiver.taken[self.number(last)].get() for _ in range(count)]

    async def messages(self, last: int) -> list[dict[str, Any]]:
        return list((await self.http.get("/messages", params={"to": self.number(last)})).json()["messages"])


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[tuple[httpx.AsyncClient, Receiver]]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/v1/status", receiver.take, methods=["POST"])])
    async with (
        serving(lambda _: app) as receiver_url,
        serving(lambda _: providers_app(ACCOUNT, "127.0.0.1", free_port())) as url,
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
    ):
        receiver.url = f"{receiver_url}/v1/status?attempt=7"
        yield http, receiver


@pytest.fixture
def sms(servers: tuple[httpx.AsyncClient, Receiver]) -> Sms:
    http, receiver = servers
    return Sms(http, receiver, next(_tests))


async def test_a_message_is_queued_then_sent_then_delivered(sms: Sms) -> None:
    answer = await sms.send(1)
    assert answer.status_code == 201
    accepted = answer.json()
    assert (accepted["status"], accepted["to"], accepted["sid"][:2]) == ("queued", sms.number(1), "SM")
    assert await sms.statuses(1, 2) == ["sent", "delivered"]
    fetched = await sms.http.get(accepted["uri"], auth=(ACCOUNT.sid, ACCOUNT.token))
    assert fetched.json()["status"] == "delivered"


async def test_a_number_that_ends_in_0_is_unreachable(sms: Sms) -> None:
    await sms.send(0)
    assert await sms.statuses(0, 2) == ["sent", "undelivered"]
    (message,) = await sms.messages(0)
    assert message["error_code"] == 30003


async def test_one_idempotency_token_sends_one_message(sms: Sms) -> None:
    first, second = [await sms.send(1, "permit-1") for _ in range(2)]
    other = await sms.send(1, "permit-2")
    assert first.json()["sid"] == second.json()["sid"] != other.json()["sid"]
    assert [m["requests"] for m in await sms.messages(1)] == [2, 1]


async def test_after_a_lost_answer_the_repeat_finds_the_message(sms: Sms) -> None:
    assert (await sms.send(8, "permit-3")).status_code == 503
    again = await sms.send(8, "permit-3")
    assert again.status_code == 201
    assert await sms.statuses(8, 2) == ["sent", "delivered"]
    assert len(await sms.messages(8)) == 1


async def test_a_number_that_ends_in_9_is_called_back_twice(sms: Sms) -> None:
    await sms.send(9)
    assert await sms.statuses(9, 4) == ["sent", "sent", "delivered", "delivered"]


async def test_callbacks_are_repeated_until_they_are_taken(sms: Sms) -> None:
    sms.receiver.failing[sms.number(2)] = 1
    await sms.send(2)
    assert await sms.statuses(2, 2) == ["sent", "delivered"]
    assert sms.receiver.attempts[sms.number(2)] == 3


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
    answer = await sms.send(1, **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await sms.messages(1) == []


async def test_without_the_accounts_credentials_nothing_is_sent(sms: Sms) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    for auth in (httpx.Auth(), httpx.BasicAuth(ACCOUNT.sid, "wrong"), httpx.BasicAuth("AC2", ACCOUNT.token)):
        answer = await sms.http.post(path, data={"To": "+8613800000001"}, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    other = await sms.http.post("/2010-04-01/Accounts/AC2/Messages.json", auth=(ACCOUNT.sid, ACCOUNT.token))
    assert other.status_code == 404
