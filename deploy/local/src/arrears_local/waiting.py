"""Waiting for a process to get ready, from plain code and from a running event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")

PROBE_EVERY_SECONDS = 0.05


async def wait_until_ready(
    probe: Callable[[], Awaitable[None]], exit_code: Callable[[], int | None], within_seconds: float
) -> None:
    """Probe until it returns. Raises TimeoutError, with the probe's last reason, when the process has ended
    (`exit_code()` is not None) or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        try:
            return await asyncio.wait_for(probe(), 10.0)
        except (OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        if (code := exit_code()) is not None:
            raise TimeoutError(f"it ended with exit code {code}")
        if loop.time() > deadline:
            raise TimeoutError(f"not ready within {within_seconds:.0f} s: {reason}")
        await asyncio.sleep(PROBE_EVERY_SECONDS)


def run_blocking(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end, also when the calling thread already has a running loop (as in a test fixture)."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
