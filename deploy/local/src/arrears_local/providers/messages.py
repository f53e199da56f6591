"""The SMS messages that were accepted, and what becomes of each: decided by its number, so that a test can choose.

| the number ends in | what happens                                                              |
|--------------------|---------------------------------------------------------------------------|
| 0                  | sent, then undelivered (error 30003, unreachable handset)                 |
| 8                  | accepted, but the first answer is lost (503): a repeat must not send twice |
| 9                  | delivered, and every callback comes twice                                 |
| anything else      | sent, then delivered                                                      |
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal

Status = Literal["queued", "sent", "delivered", "undelivered"]
UNREACHABLE_HANDSET: Final = 30003


@dataclass(slots=True)
class Message:
    """One accepted message. `requests` counts how often it was asked for under the same idempotency token."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str
    status: Status = "queued"
    error_code: int | None = None
    requests: int = 1
    callbacks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a message: its statuses in order, how often each is called back, and whether the answer is lost."""

    statuses: tuple[Status, ...]
    callbacks_each: int = 1
    first_answer_lost: bool = False


_DELIVERED: Final = Fate(("sent", "delivered"))
_FATES: Final = {
    "0": Fate(("sent", "undelivered")),
    "8": Fate(("sent", "delivered"), first_answer_lost=True),
    "9": Fate(("sent", "delivered"), callbacks_each=2),
}


def fate_of(number: str) -> Fate:
    """Return what becomes of a message to `number`."""
    return _FATES.get(number[-1:], _DELIVERED)


class MessageBook:
    """All messages of this process, in the order of acceptance. In memory: a restart forgets them."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Message] = {}
        self._by_token: dict[str, Message] = {}

    def accept(self, to: str, sender: str, body: str, status_callback: str, token: str | None) -> tuple[Message, bool]:
        """Return the message and whether it is new; one idempotency token means one message."""
        known = self._by_token.get(token) if token else None
        if known is not None:
            known.requests += 1
            return known, False
        number = len(self._by_sid)
        drawn_from = f"token {token}" if token else f"message {number} to {to}"
        sid = "SM" + hashlib.blake2b(drawn_from.encode(), digest_size=16).hexdigest()
        message = Message(sid, to, sender, body, status_callback)
        self._by_sid[sid] = message
        if token:
            self._by_token[token] = message
        return message, True

    def get(self, sid: str) -> Message | None:
        return self._by_sid.get(sid)

    def all(self, to: str | None = None) -> list[Message]:
        """Return the messages, or those to one number."""
        return [message for message in self._by_sid.values() if to in (None, message.to)]
