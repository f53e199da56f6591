"""Apply the policy table to an application: before any body is read, and with no way around it.

The matched route is looked up, not the address, so an encoded or doubled slash cannot slip past. What has no row is
refused. The verified caller is left in the request's state for `current_principal`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Final

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from arrears.auth.policy import POLICY, Policy, PolicyTable
from arrears.auth.principal import Principal
from arrears.auth.tokens import TokenVerifier, Unauthenticated

Authenticate = Callable[[HTTPConnection], Awaitable[Principal]]
"""Return the caller of a request. Raises Unauthenticated or ProviderUnavailable."""


class RoleMissing(Exception):
    """The caller is known and has none of the roles that the route asks for."""

    def __init__(self, principal: Principal, policy: Policy) -> None:
        super().__init__(f"needs one of the roles {', '.join(sorted(policy.roles))}")
        self.subject: Final = principal.subject


class NoPolicy(Exception):
    """The route has no row in the policy table."""


def bearer(verifier: TokenVerifier) -> Authenticate:
    """Authenticate by `Authorization: Bearer` (RFC 6750 §2.1), the only place where a token is looked for."""

    async def authenticate(connection: HTTPConnection) -> Principal:
        values = connection.headers.getlist("authorization")
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("there is no single bearer token")
        return await verifier.verify(token.strip())

    return authenticate


class PolicyMiddleware:
    """Applies the table to the routes of `service`.

    It raises Unauthenticated, ProviderUnavailable, RoleMissing or NoPolicy before the route's own code, or the body,
    is touched; the problem middleware answers.
    """

    def __init__(
        self,
        app: ASGIApp,
        service: str,
        authenticate: Authenticate,
        routes: Callable[[], Iterable[BaseRoute]],
        table: PolicyTable = POLICY,
    ) -> None:
        self._app = app
        self._service = service
        self._authenticate = authenticate
        self._routes = routes
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            await self._check(scope)
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        template = _matched_template(scope, self._routes())
        if template is None:
            return  # the router will say 404 or 405, which gives nothing away
        method = scope.get("method", "WEBSOCKET")
        policy = self._table.get((self._service, "GET" if method == "HEAD" else method, template))
        if policy is None:
            raise NoPolicy(f"{method} {template} of {self._service} has no policy")
        scope.setdefault("state", {})["policy"] = policy
        if policy.public:
            return
        principal = await self._authenticate(HTTPConnection(scope))
        scope["state"]["principal"] = principal
        if not policy.roles & principal.roles:
            raise RoleMissing(principal, policy)


def _matched_template(scope: Scope, routes: Iterable[BaseRoute]) -> str | None:
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return str(getattr(route, "path", ""))
    return None


def unprotected_routes(app: FastAPI, service: str, table: PolicyTable = POLICY) -> list[str]:
    """Return `METHOD path` of each route of `app` that has no policy, sorted; routers nested in another count too."""
    found = set()
    for route in app.routes:
        path = getattr(route, "path", None)
        if not isinstance(route, APIRoute | Route | Mount) or path is None:
            found.add(f"{type(route).__name__} {path}")
            continue
        methods = getattr(route, "methods", None) or {"GET"}
        found |= {f"{m} {path}" for m in methods - {"HEAD"} if (service, m, path) not in table}
    return sorted(found)


def current_principal(request: Request) -> Principal:
    """Return the caller whom the policy check verified.

    Raises:
        Unauthenticated: the route is public, so nobody was asked who they are.
    """
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise Unauthenticated("a public route knows no caller")
    return principal


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]
