"""Is it ready? Each probe returns when it is and raises OSError, with the reason, while it is not."""

from __future__ import annotations

import asyncio

import httpx

from arrears_local.ports import LOOPBACK, answers

PROBE_TIMEOUT_SECONDS = 2.0


async def probe_port(port: int) -> None:
    if not await asyncio.to_thread(answers, LOOPBACK, port):
        raise ConnectionError(f"nothing listens on port {port}")


async def probe_http(url: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        raise ConnectionError(f"{url}: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        raise ConnectionError(f"{url} answers {answer.status_code}: {answer.text[:200]}")
