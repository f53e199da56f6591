"""The policy table is complete, refuses by default, and lets exactly the named roles pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from arrears.auth.enforcement import CurrentPrincipal, bearer, unprotected_routes
from arrears.auth.policy import POLICY, PUBLIC, SERVICES, Policy, PolicyTable
from arrears.auth.principal import Principal, Role
from arrears.http.app import UnprotectedRoutes, create_app
from arrears.testing.servers import serving
from arrears_local.issuer.running import RunningIssuer

COMMON = {(s, "GET", p): PUBLIC for s in ("legal",) for p in ("/livez", "/readyz", "/metrics", "/openapi.json")}
TABLE: PolicyTable = COMMON | {
    ("legal", "GET", "/v1/cases/{case_id}"): Policy(frozenset({Role.legal, Role.auditor})),
    ("legal", "POST", "/v1/cases"): Policy(frozenset({Role.legal})),
    ("legal", "POST", "/v1/callbacks"): Policy(frozenset(), key_required=False),
}


def router() -> APIRouter:
    made = APIRouter(prefix="/v1")

    @made.get("/cases/{case_id}")
    async def read(case_id: str, caller: CurrentPrincipal) -> dict[str, str]:
        return {"case": case_id, "caller": caller.subject}

    @made.post("/cases")
    async def file(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @made.post("/callbacks")
    async def callback(caller: CurrentPrincipal) -> dict[str, str]:
        return {"caller": caller.subject}

    return made


@pytest.fixture(scope="module")
async def service(issuer: RunningIssuer) -> AsyncIterator[httpx.AsyncClient]:
    def make(url: str) -> FastAPI:
        authenticate = bearer(issuer.verifier())
        return create_app("legal", "Legal", authenticate=authenticate, routers=[router()], policies=TABLE)

    async with serving(make) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        yield http


@pytest.mark.parametrize("role", Role)
async def test_only_the_named_roles_may_read(service: httpx.AsyncClient, issuer: RunningIssuer, role: Role) -> None:
    answer = await service.get("/v1/cases/7", headers=issuer.bearer(role, subject="someone"))
    if role in {Role.legal, Role.auditor}:
        assert answer.json() == {"case": "7", "caller": "someone"}
    else:
        assert answer.status_code == 403
        assert answer.json()["code"] == "role-missing"


async def test_without_a_token_nothing_is_answered_and_no_reason_is_given(service: httpx.AsyncClient) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer"},
    ):
        answer = await service.get("/v1/cases/7", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="arrears"'
        assert answer.json()["detail"] == "a valid access token is needed"


async def test_two_tokens_are_no_token(service: httpx.AsyncClient, issuer: RunningIssuer) -> None:
    good = issuer.bearer(Role.legal)["Authorization"]
    answer = await service.get("/v1/cases/7", headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/v1/cases/7/", "/v1//cases/7", "/V1/cases/7", "/v1/cases/7%2F..", "/v1/cases"])
async def test_no_other_spelling_of_the_address_reaches_the_route(service: httpx.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code in {401, 404, 405}


async def test_the_order_is_token_then_role_then_key_then_body(
    service: httpx.AsyncClient, issuer: RunningIssuer
) -> None:
    bad = b"{"
    assert (await service.post("/v1/cases", content=bad)).status_code == 401
    assert (await service.post("/v1/cases", content=bad, headers=issuer.bearer(Role.agency))).status_code == 403
    assert (await service.post("/v1/cases", content=bad, headers=issuer.bearer(Role.legal))).status_code == 400
    keyed = issuer.bearer(Role.legal) | {"Idempotency-Key": '"k-1"'}
    assert (await service.post("/v1/cases", content=bad, headers=keyed)).json() == {"bytes": 1}


async def test_a_public_route_knows_no_caller(service: httpx.AsyncClient, issuer: RunningIssuer) -> None:
    assert (await service.post("/v1/callbacks", headers=issuer.bearer(Role.legal))).status_code == 401


async def test_the_document_names_the_roles_and_the_key(service: httpx.AsyncClient) -> None:
    document = (await service.get("/openapi.json")).json()
    read, write = document["paths"]["/v1/cases/{case_id}"]["get"], document["paths"]["/v1/cases"]["post"]
    assert document["openapi"] == "3.1.0"
    assert read["x-roles"] == ["auditor", "legal"]
    assert [p["name"] for p in write["parameters"]] == ["Idempotency-Key"]
    assert "security" not in document["paths"]["/v1/callbacks"]["post"]


def test_an_application_with_a_route_without_policy_does_not_start() -> None:
    hidden = APIRouter()
    hidden.get("/v1/hidden")(lambda: None)
    with pytest.raises(UnprotectedRoutes, match="GET /v1/hidden"):
        create_app("legal", "Legal", authenticate=nobody, routers=[hidden], policies=TABLE)


def test_a_router_inside_a_router_does_not_start_because_its_routes_cannot_be_checked() -> None:
    outer = APIRouter()
    outer.include_router(router())
    with pytest.raises(UnprotectedRoutes):
        create_app("legal", "Legal", authenticate=nobody, routers=[outer], policies=TABLE)


def test_mounts_and_plain_routes_count_too() -> None:
    app = FastAPI(openapi_url=None)
    app.router.routes += [Mount("/files", PlainTextResponse("x")), Route("/plain", PlainTextResponse("x"))]
    assert unprotected_routes(app, "legal", TABLE) == ["GET /files", "GET /plain"]


async def test_a_route_added_after_the_start_is_refused(issuer: RunningIssuer) -> None:
    app = create_app("legal", "Legal", authenticate=bearer(issuer.verifier()), routers=[], policies=TABLE)
    app.get("/v1/late")(lambda: {"secret": True})
    async with serving(lambda _: app) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        answer = await http.get("/v1/late", headers=issuer.bearer(*Role))
    assert (answer.status_code, answer.json()["code"]) == (403, "no-policy")


async def test_no_token_can_be_checked_while_the_provider_is_away() -> None:
    async with httpx.AsyncClient(trust_env=False) as away:
        verifier = RunningIssuer("http://127.0.0.1:1", None, away).verifier()  # type: ignore[arg-type]
        app = create_app("legal", "Legal", authenticate=bearer(verifier), routers=[router()], policies=TABLE)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://legal") as http:
            answer = await http.get("/v1/cases/7", headers={"Authorization": "Bearer a.b.c"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_every_row_is_of_a_known_service_and_only_the_expected_routes_are_public() -> None:
    assert {service for service, _, _ in POLICY} == set(SERVICES)
    probes = {("GET", path) for path in ("/livez", "/readyz", "/metrics", "/openapi.json")}
    public = {(method, path) for (_, method, path), policy in POLICY.items() if policy.public} - probes
    assert public <= {
        ("GET", "/sign-in"),
        ("GET", "/sign-in/callback"),
        ("GET", "/static/console.css"),
        ("POST", "/v1/providers/sms/status"),
    }


def test_keys_are_for_services_alone() -> None:
    assert POLICY[("ingest", "GET", "/v1/keys/{debtor_id}")].roles == {Role.service}


async def nobody(connection: HTTPConnection) -> Principal:
    raise AssertionError("nobody is asked before the start")
