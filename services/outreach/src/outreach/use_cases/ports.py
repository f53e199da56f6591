"""What sending needs from the world outside."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.gate import KnownPoint


class NotSent(Exception):
    """Certainly nothing went out; `passing` says whether a later try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class SendingUnsure(Exception):
    """The provider did not answer clearly: the message may have gone out."""


class MessageGateway(Protocol):
    """A provider of text messages."""

    async def send(self, to: str, text: str, attempt_id: str, debtor_id: str) -> str:
        """Send once for this attempt, however often it is called, and return the provider's reference.

        Raises:
            NotSent, SendingUnsure: see there.
        """
        ...


class Addresses(Protocol):
    """Clear addresses of people, for sending alone; never kept and never logged."""

    async def clear(self, debtor_id: str, point: KnownPoint) -> str:
        """Return the address of a contact point.

        Raises:
            NotSent: the key is destroyed or does not fit (for good), or cannot be had now (passing).
        """
        ...
