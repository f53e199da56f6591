"""A wake-up inside one process: whoever appended tells whoever follows the log."""

from __future__ import annotations

import asyncio


class Signal:
    """Wakes every waiter; a notification between two waits of one listener is not lost."""

    def __init__(self) -> None:
        self._listeners: list[asyncio.Event] = []

    def listener(self) -> asyncio.Event:
        """Return an event of the listener's own, set at each notification; the listener clears it."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    def notify(self) -> None:
        """Wake all listeners."""
        for event in self._listeners:
            event.set()


async def wait(event: asyncio.Event, at_most_seconds: float) -> None:
    """Wait until `event` is set, or the time is up, and clear it."""
    try:
        async with asyncio.timeout(at_most_seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
