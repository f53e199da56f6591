"""Every way a request can fail is one problem document, and none shows an internal detail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse

from arrears.auth.policy import Policy, PolicyTable
from arrears.auth.principal import Principal, Role
from arrears.http.app import create_app
from arrears.http.etags import IfMatch, RequiredIfMatch, etag
from arrears.http.idempotency import IdempotencyKey
from arrears.refusals import (
    CommandInFlight,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCommand,
    NotFound,
    Overloaded,
    Refusal,
    StaleVersion,
)
from arrears.testing.servers import serving

OPEN = Policy(frozenset(Role))


class CallCapReached(Refusal):
    """A refusal of a service, mapped to a status of its own."""


class Unmapped(Refusal):
    """A refusal that no table names."""


class Conflict(Exception):
    """An error of the kernel that is no refusal."""


class Promise(BaseModel):
    amount_minor: int
    lines: list[int] = []


FAILURES: dict[str, Exception] = {
    "cap": CallCapReached("seven calls in seven days were made", cap=7, status="hidden?", retry_after="2026-01-05"),
    "unmapped": Unmapped("no"),
    "not-found": NotFound("there is no loan L1"),
    "forbidden": Forbidden("you asked for it yourself"),
    "invalid": InvalidCommand("the due date lies before today"),
    "stale": StaleVersion("the case is at version 8"),
    "reused": IdempotencyKeyReused("this key belongs to another command"),
    "in-flight": CommandInFlight("the first use has not finished"),
    "conflict": Conflict("somebody was faster"),
    "overloaded": Overloaded("the queue is full", 3),
    "database-away": ConnectionRefusedError(111, "10.0.0.1"),
    "file-missing": FileNotFoundError(2, "/etc/secret"),
    "bug": RuntimeError("password=hunter2 at 10.0.0.1"),
}


def router() -> APIRouter:
    made = APIRouter()

    @made.get("/v1/fail/{how}")
    async def fail(how: str) -> None:
        raise FAILURES[how]

    @made.post("/v1/promises")
    async def promise(body: Promise, key: IdempotencyKey) -> dict[str, str]:
        return {"key": key}

    @made.get("/v1/pages")
    async def page(limit: int) -> int:
        return limit

    @made.put("/v1/cases")
    async def change(response: Response, version: RequiredIfMatch) -> int:
        response.headers.update(etag(version + 1))
        return version

    @made.get("/v1/cases")
    async def read(version: IfMatch) -> int | None:
        return version

    @made.get("/v1/broken-off")
    async def broken_off() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"half"
            await asyncio.sleep(0)
            raise RuntimeError("the rest is lost")

        return StreamingResponse(body())

    return made


def table(app_router: APIRouter) -> PolicyTable:
    rows = {("legal", m, r.path): OPEN for r in app_router.routes for m in r.methods}  # type: ignore[attr-defined]
    return rows | {("legal", "GET", p): OPEN for p in ("/livez", "/readyz", "/metrics", "/openapi.json")}


async def anybody(connection: HTTPConnection) -> Principal:
    return Principal("lead-1", frozenset({Role.lead}), "default", "Lead")


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[httpx.AsyncClient]:
    def make(url: str) -> FastAPI:
        routes = router()
        return create_app(
            "legal",
            "Legal",
            authenticate=anybody,
            routers=[routes],
            policies=table(routes),
            statuses={CallCapReached: 429, Conflict: 409},
            max_body_bytes=1000,
            max_body_bytes_by_path={"/v1/promises": 2000},
        )

    async with serving(make) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        yield http


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("cap", 429, "call-cap-reached"),
        ("unmapped", 409, "unmapped"),
        ("not-found", 404, "not-found"),
        ("forbidden", 403, "forbidden"),
        ("invalid", 422, "invalid-command"),
        ("stale", 412, "stale-version"),
        ("reused", 422, "idempotency-key-reused"),
        ("in-flight", 409, "command-in-flight"),
        ("conflict", 409, "conflict"),
        ("overloaded", 503, "overloaded"),
        ("database-away", 503, "try-again"),
        ("file-missing", 500, "internal-error"),
        ("bug", 500, "internal-error"),
    ],
)
async def test_each_failure_is_a_problem(service: httpx.AsyncClient, how: str, status: int, code: str) -> None:
    answer = await service.get(f"/v1/fail/{how}")
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:arrears:problem:{code}"
    assert body["title"]
    assert body["detail"]


async def test_a_refusal_carries_its_operands_which_cannot_hide_the_standard_members(
    service: httpx.AsyncClient,
) -> None:
    body = (await service.get("/v1/fail/cap")).json()
    assert (body["cap"], body["retry_after"], body["status"]) == (7, "2026-01-05", 429)


async def test_back_pressure_says_when_to_come_again(service: httpx.AsyncClient) -> None:
    assert (await service.get("/v1/fail/overloaded")).headers["retry-after"] == "3"


async def test_a_bug_shows_nothing_of_itself(service: httpx.AsyncClient) -> None:
    assert "hunter2" not in (await service.get("/v1/fail/bug")).text


async def test_an_answer_that_breaks_off_does_not_look_complete(service: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await service.get("/v1/broken-off")


async def post(service: httpx.AsyncClient, content: bytes, key: str | None = '"k"') -> httpx.Response:
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    return await service.post("/v1/promises", content=content, headers=headers)


async def test_wrong_fields_are_pointed_at_and_their_values_are_not_repeated(service: httpx.AsyncClient) -> None:
    answer = await post(service, b'{"amount_minor": "secret", "lines": [1, "x"]}')
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/amount_minor", "#/lines/1"]
    assert "secret" not in answer.text
    query = await service.get("/v1/pages", params={"limit": "many"})
    assert query.json()["errors"][0]["pointer"] == "query/limit"


async def test_what_is_no_json_is_400(service: httpx.AsyncClient) -> None:
    for content in (b"{", b'{"amount_minor": 1} x', b"\xff\xfe"):
        answer = await post(service, content)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/v1/cases", 405)])
async def test_the_frameworks_own_errors_are_problems_too(
    service: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await service.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_body_beyond_its_paths_limit_is_413_announced_or_not(service: httpx.AsyncClient) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    assert (await post(service, b'{"amount_minor": 1}' + b" " * 1900)).status_code == 200
    for content in (b" " * 2001, unannounced()):
        answer = await service.post("/v1/promises", content=content, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (413, "content-too-large")


@pytest.mark.parametrize(
    ("sent", "read"), [('"018f-a"', "018f-a"), ("018f-a", "018f-a"), ("x" * 255, "x" * 255), ('"x y"', None)]
)
async def test_a_key_is_read_quoted_or_bare(service: httpx.AsyncClient, sent: str, read: str | None) -> None:
    answer = await post(service, b'{"amount_minor": 1}', sent)
    assert answer.json().get("key") == read


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-invalid"),
        ('""', "idempotency-key-invalid"),
        ("x" * 256, "idempotency-key-invalid"),
        ('a"b', "idempotency-key-invalid"),
        ("a\\b", "idempotency-key-invalid"),
    ],
)
async def test_without_a_usable_key_a_post_is_400(service: httpx.AsyncClient, key: str | None, code: str) -> None:
    answer = await post(service, b'{"amount_minor": 1}', key)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_two_keys_are_400(service: httpx.AsyncClient) -> None:
    answer = await service.post("/v1/promises", headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-invalid")


async def test_if_match_names_the_version_decided_on(service: httpx.AsyncClient) -> None:
    answer = await service.put("/v1/cases", headers={"If-Match": '"7"'})
    assert (answer.json(), answer.headers["etag"]) == (7, '"8"')
    assert (await service.put("/v1/cases")).status_code == 428
    for wrong in ('W/"7"', '"7", "8"', "7", '"-1"', '"07"', '"seven"', '""'):
        assert (await service.put("/v1/cases", headers={"If-Match": wrong})).status_code == 412
    assert (await service.get("/v1/cases")).json() is None
    assert (await service.get("/v1/cases", headers={"If-Match": "*"})).json() is None
