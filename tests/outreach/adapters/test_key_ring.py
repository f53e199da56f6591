"""Keys for sending: unsealed for one place, asked for again after two minutes, and never when destroyed."""

from __future__ import annotations

import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arrears.vault import SealBroken, SubjectKey, seal, unseal
from outreach.adapters.key_ring import KeyRing
from outreach.domain.gate import KnownPoint
from outreach.use_cases.ports import NotSent

KEY = SubjectKey(debtor_id="debtor-1", generation=3, secret=bytes(range(32)))


def point(key: SubjectKey = KEY, stream: str = "debtor/debtor-1") -> KnownPoint:
    sealed = seal(key, stream, "ContactPointAdded", "value_sealed", "+8613800000001")
    return KnownPoint(
        contact_point_id="p", kind="mobile", owner="debtor", value_sealed=sealed, sealed_in="debtor/debtor-1"
    )


class KeyService:
    """Answers like ingest's key interface."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        self.now = 0.0

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        key = base64.b64encode(KEY.secret).decode()
        return JSONResponse({"debtor_id": "debtor-1", "generation": 3, "key": key}, self.status)

    def ring(self) -> KeyRing:
        app = Starlette(routes=[Route("/v1/keys/{debtor_id}", self.answer)])
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        return KeyRing(http, "http://ingest", httpx.BasicAuth("outreach", "x"), lambda: self.now)


async def test_an_address_is_unsealed_and_the_key_kept_for_two_minutes() -> None:
    service = KeyService()
    ring = service.ring()
    assert await ring.clear("debtor-1", point()) == "+8613800000001"
    assert await ring.clear("debtor-1", point()) == "+8613800000001"
    assert service.asked == 1
    service.now = 121.0
    await ring.clear("debtor-1", point())
    assert service.asked == 2
    ring.drop("debtor-1")
    await ring.clear("debtor-1", point())
    assert service.asked == 3


@pytest.mark.parametrize(("status", "passing"), [(404, False), (410, False), (503, True)])
async def test_without_a_key_nothing_is_sent(status: int, passing: bool) -> None:
    service = KeyService()
    service.status = status
    with pytest.raises(NotSent) as caught:
        await service.ring().clear("debtor-1", point())
    assert caught.value.passing is passing


async def test_a_value_that_was_sealed_for_another_place_is_not_used() -> None:
    with pytest.raises(NotSent) as caught:
        await KeyService().ring().clear("debtor-1", point(stream="debtor/another"))
    assert not caught.value.passing


def test_a_seal_fits_one_person_place_and_generation() -> None:
    sealed = seal(KEY, "s", "T", "f", "秘密")
    assert unseal(KEY, "s", "T", "f", sealed) == "秘密"
    older = SubjectKey(debtor_id="debtor-1", generation=2, secret=KEY.secret)
    other = SubjectKey(debtor_id="debtor-2", generation=3, secret=KEY.secret)
    for key, stream, kind, field, value in [
        (older, "s", "T", "f", sealed), (other, "s", "T", "f", sealed), (KEY, "x", "T", "f", sealed),
        (KEY, "s", "X", "f", sealed), (KEY, "s", "T", "x", sealed), (KEY, "s", "T", "f", sealed[:-2]),
        (KEY, "s", "T", "f", "plain"),
    ]:  # fmt: skip
        with pytest.raises(SealBroken):
            unseal(key, stream, kind, field, value)
