"""Serve an application on a free loopback port inside the running event loop, for tests that need a real server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Leaves the process's signals alone and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(make_app: Callable[[str], ASGIApp]) -> AsyncIterator[str]:
    """Yield the base URL of `make_app(url)`; the application is told its own address, as an issuer needs it.

    Raises:
        RuntimeError: the application ended before it listened.
    """
    # With the protocol named asyncio switches Nagle's delay off, as it does for sockets that it opens itself.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(make_app(url), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]), name=url)
        listening = asyncio.create_task(server.listening.wait())
        try:
            await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                raise RuntimeError(f"the application at {url} ended before it listened")
            yield url
        finally:
            listening.cancel()
            server.should_exit = True
            await asyncio.gather(task, listening, return_exceptions=True)
