"""The providers' HTTP application and mail server as one thing that starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arrears_local.providers.mail import MailServer
from arrears_local.providers.messages import MessageBook
from arrears_local.providers.sms import Account, SmsServer


def providers_app(account: Account, mail_host: str, mail_port: int) -> Starlette:
    """Return the application; while it runs, the mail server listens at `mail_host` and `mail_port` too."""
    mail = MailServer()
    http = httpx.AsyncClient(timeout=10, trust_env=False)
    sms = SmsServer(account, MessageBook(), http)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        server = await asyncio.get_running_loop().create_server(mail.protocol, mail_host, mail_port)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()
            await sms.close()
            await http.aclose()

    return Starlette(routes=[Route("/livez", _live), *sms.routes(), *mail.routes()], lifespan=lifespan)


async def _live(request: Request) -> Response:
    return JSONResponse({"status": "alive"})
