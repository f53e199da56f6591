"""The console as a service: what it hears, keeps and shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from arrears.auth.enforcement import bearer
from arrears.auth.keys import ProviderKeys
from arrears.auth.principal import Principal
from arrears.auth.sign_in import SignIn
from arrears.auth.tokens import TokenVerifier
from arrears.kafka.sources import own_topic
from arrears.runtime import Runtime, ServiceDefinition
from arrears.timeline import timeline
from console.adapters.questions import Questions
from console.adapters.sessions import Sessions
from console.entrypoints.http.debtors import SERVICES, debtors_router
from console.entrypoints.http.problem_pages import ProblemPages
from console.entrypoints.http.sign_in import Doors, by_session_or, sign_in_router
from console.projections.cases import CASES
from console.projections.debtors import DEBTORS
from console.projections.loans import LOANS


def _routers(runtime: Runtime) -> Sequence[APIRouter]:
    return [debtors_router(Questions(runtime.database)), sign_in_router(_doors(runtime))]


def _doors(runtime: Runtime) -> Doors:
    settings = runtime.settings
    base = os.environ.get("ARREARS_CONSOLE_URL", f"http://127.0.0.1:{settings.port}").rstrip("/")
    secret = os.environ.get("ARREARS_CLIENT_SECRET", "console-development-secret")
    keys = ProviderKeys(settings.issuer, runtime.http)
    sign_in = SignIn(keys, "console", secret, f"{base}/sign-in/callback", runtime.http)
    return Doors(sign_in, Sessions(runtime.database), base)


async def _authenticate(connection: HTTPConnection) -> Principal:
    """Find the session, or verify the token, with what the running application is bound to."""
    state = connection.app.state
    if not hasattr(state, "authenticate"):
        runtime: Runtime = state.runtime
        verifier = TokenVerifier(ProviderKeys(runtime.settings.issuer, runtime.http))
        state.authenticate = by_session_or(bearer(verifier), Sessions(runtime.database))
    principal: Principal = await state.authenticate(connection)
    return principal


CONSOLE: Final = ServiceDefinition(
    name="console",
    title="Arrears: console",
    deciders=(),
    sources=tuple(own_topic(service) for service in SERVICES),
    projections=(timeline(*SERVICES), DEBTORS, LOANS, CASES),
    routers=_routers,
    app_options={"authenticate": _authenticate, "middleware": [Middleware(ProblemPages)]},
    publishes=False,
)
