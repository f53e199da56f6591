"""`GET /now`, `GET /now?after=` (answers once the time is later), `POST /now {"at": …}` (forward only)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

POLL_SECONDS: Final = 25.0
SETTLE_SECONDS: Final = 2.0


class ClockRefused(Exception):
    """The body is no instant with a zone, or the time would go back."""


class ClockProcess:
    """Holds the time, keeps it over restarts in `kept_in`, and knows how far each follower has come.

    A follower has seen time T when it polls with `after` ≥ T; so a move can wait until those that listen have seen it.
    """

    def __init__(self, start: datetime, kept_in: Path | None = None) -> None:
        self._file = kept_in
        self._now = start.astimezone(UTC)
        if kept_in is not None and kept_in.exists():
            self._now = datetime.fromisoformat(kept_in.read_text("ascii"))
        self._seen: dict[str, datetime] = {}
        self._listening: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._changed = asyncio.Condition()

    async def read(self, request: Request) -> Response:
        """Answer the time; with `after`, when the time is later than that, or after POLL_SECONDS anyway."""
        if "after" in request.query_params:
            try:
                after = _instant(request.query_params["after"])
            except ClockRefused as error:
                return JSONResponse({"error": str(error)}, 400)
            await self._listen(request, request.query_params.get("client", ""), after)
        return JSONResponse({"now": self._now.isoformat()})

    async def move(self, request: Request) -> Response:
        """Move the time, wait up to `settle_seconds` (2) until the listeners have seen it, and say who has not."""
        try:
            body = json.loads(await request.body())
            target = _instant(body["at"])
            settle_seconds = min(float(body.get("settle_seconds", SETTLE_SECONDS)), 30.0)
        except (ValueError, KeyError, TypeError, AttributeError, ClockRefused) as error:
            return JSONResponse({"error": f'the body must be {{"at": instant with zone}}: {error}'}, 400)
        async with self._changed:
            if target < self._now:
                return JSONResponse({"error": f"the clock is at {self._now.isoformat()} and never goes back"}, 409)
            listeners = sorted(+self._listening)
            self._set(target)
            self._changed.notify_all()
            behind = await self._settled(listeners, target, settle_seconds)
        return JSONResponse({"now": self._now.isoformat(), "clients": listeners, "behind": behind})

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def _set(self, target: datetime) -> None:
        if self._file is not None:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(target.isoformat(), "ascii")
            fresh.replace(self._file)
        self._now = target

    async def _listen(self, request: Request, name: str, after: datetime) -> None:
        """Wait for a later time; a listener whose connection ends is forgotten at once, or moves would wait for it."""
        self._listening[name] += 1
        self._seen[name] = after
        self._gone.discard(name)
        later = asyncio.create_task(self._later_than(after))
        gone = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait((later, gone), timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = gone.done()
            for task in (later, gone):
                task.cancel()
            await asyncio.gather(later, gone, return_exceptions=True)
            self._listening[name] -= 1
        if left:
            async with self._changed:
                self._gone.add(name)
                self._changed.notify_all()

    async def _later_than(self, after: datetime) -> None:
        async with self._changed:
            self._changed.notify_all()  # a move may be waiting until this listener has seen it
            await self._changed.wait_for(lambda: self._now > after)

    async def _settled(self, listeners: Iterable[str], target: datetime, seconds: float) -> list[str]:
        def behind() -> list[str]:
            return [name for name in listeners if name and name not in self._gone and self._seen[name] < target]

        await _within(seconds, self._changed, lambda: not behind())
        return behind()


async def _within(seconds: float, changed: asyncio.Condition, fulfilled: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait_for(fulfilled)
    except TimeoutError:
        pass


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _instant(text: object) -> datetime:
    try:
        instant = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise ClockRefused(f"{text!r} is no ISO 8601 instant") from error
    if instant.tzinfo is None:
        raise ClockRefused(f"{text!r} has no zone")
    return instant.astimezone(UTC)


def clock_app(clock: ClockProcess) -> Starlette:
    """Return the application of the clock process."""
    return Starlette(
        routes=[
            Route("/livez", clock.live),
            Route("/now", clock.read, methods=["GET"]),
            Route("/now", clock.move, methods=["POST"]),
        ]
    )
