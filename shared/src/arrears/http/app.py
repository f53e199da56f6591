"""The application factory: a service lists its routers, everything else is the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from arrears.auth.enforcement import Authenticate, PolicyMiddleware, unprotected_routes
from arrears.auth.policy import POLICY, PolicyTable
from arrears.http.access_log import QUIET_PATHS, AccessLogMiddleware
from arrears.http.body_limit import DEFAULT_MAX_BYTES, BodyLimitMiddleware
from arrears.http.health import Check, health_router
from arrears.http.idempotency import IdempotencyMiddleware
from arrears.http.openapi import describe
from arrears.http.problems import ProblemMiddleware, StatusTable, on_http_exception, on_invalid_request

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


class UnprotectedRoutes(RuntimeError):
    """The application has routes without a policy; it must not start."""


def create_app(
    service: str,
    title: str,
    *,
    authenticate: Authenticate,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    readiness: Mapping[str, Check] | None = None,
    statuses: StatusTable | None = None,
    mounts: Sequence[BaseRoute] = (),
    middleware: Sequence[Middleware] = (),
    max_body_bytes: int = DEFAULT_MAX_BYTES,
    max_body_bytes_by_path: Mapping[str, int] | None = None,
    policies: PolicyTable = POLICY,
    version: str = "1",
) -> FastAPI:
    """Return the application of `service`.

    `statuses` maps the service's refusals to HTTP (unmapped ones answer 409); `readiness` names the checks of
    `/readyz`; `middleware` sees the answers as they leave. A router may have a prefix but must not include another
    router, whose routes could not be checked.

    Raises:
        UnprotectedRoutes: a route has no row in `policies`.
    """
    app: FastAPI = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"operation_spans": False, "logs": False, "exclude": _is_probe},
        exception_handlers={HTTPException: on_http_exception, RequestValidationError: on_invalid_request},
        middleware=[
            Middleware(AccessLogMiddleware),
            *middleware,
            Middleware(ProblemMiddleware, statuses=statuses or {}),
            Middleware(
                PolicyMiddleware,
                service=service,
                authenticate=authenticate,
                routes=lambda: app.router.routes,
                table=policies,
            ),
            Middleware(IdempotencyMiddleware),
            Middleware(BodyLimitMiddleware, max_bytes=max_body_bytes, max_bytes_by_path=max_body_bytes_by_path or {}),
        ],
    )
    # Routes are taken over one by one: include_router would hide them behind an object without a path.
    for router in (*routers, health_router(readiness or {}), _openapi_router(app, service, policies)):
        app.router.routes.extend(router.routes)
    app.router.routes.extend(mounts)
    missing = unprotected_routes(app, service, policies)
    if missing:
        raise UnprotectedRoutes(f"{service}: add a row to arrears.auth.policy for {', '.join(missing)}")
    return app


def _openapi_router(app: FastAPI, service: str, policies: PolicyTable) -> APIRouter:
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False, response_model=None)
    async def openapi() -> JSONResponse:
        return JSONResponse(describe(app, service, policies))

    return router


def _is_probe(scope: Any) -> bool:
    return scope.get("path") in QUIET_PATHS
