"""A caller that is patient asks again with the same key; an impatient one says at once what is down."""

from __future__ import annotations

import httpx
import pytest

from arrears_local.doors import Doors, Refused
from arrears_local.refusals import DependencyDown


class Service:
    """Is away, cannot answer yet, and then answers; it keeps what it was asked."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.headers["Idempotency-Key"], request.content))
        status = self._answers.pop(0)
        if not status:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(status, json={"detail": "words"})


async def post(service: Service, patience_seconds: float) -> object:
    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as http:
        return await Doors(http, httpx.Auth(), {}, patience_seconds).post("legal", "/v1/x", {"a": 1})


async def test_a_patient_caller_repeats_the_same_request_with_the_same_key() -> None:
    service = Service(0, 503, 201)
    assert await post(service, 30) == {"detail": "words"}
    assert (len(service.asked), len(set(service.asked))) == (3, 1)


@pytest.mark.parametrize("answer", [0, 503])
async def test_an_impatient_caller_hears_at_once_that_the_service_is_down(answer: int) -> None:
    service = Service(answer, 201)
    with pytest.raises(DependencyDown, match="legal"):
        await post(service, 0)
    assert len(service.asked) == 1


async def test_what_a_service_refuses_is_not_asked_again() -> None:
    service = Service(409, 201)
    with pytest.raises(Refused):
        await post(service, 30)
    assert len(service.asked) == 1
