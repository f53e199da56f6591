"""Refusals: what a decision answers when it says no. Pure; they know no HTTP.

Refusal                     a command broke a rule (409 at the edge unless a service maps it otherwise)
├── NotFound                what it names does not exist
├── Forbidden               this person may not do it, e.g. approve one's own request
├── InvalidCommand          well formed, but it can never be right
├── StaleVersion            it was decided on an older version of the stream
├── IdempotencyKeyReused    the key was used before for another command
└── CommandInFlight         the first use of the key has not finished
Overloaded                  no refusal: the same command may succeed a little later
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

FieldValue = str | int | bool | None | list[str] | dict[str, str]


class Refusal(Exception):
    """A command that is refused by a rule.

    `code` is a stable slug for programs (derived from the class name: CallCapReached → call-cap-reached),
    the message says in words what is wrong, `fields` carry the operands. Equal when all three are equal,
    so that given-when-then tests can compare them. No field may hold personal data: refusals are logged.
    """

    code: ClassVar[str] = "refusal"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = _WORD_START.sub("-", cls.__name__).lower()

    def __init__(self, message: str, **fields: FieldValue) -> None:
        super().__init__(message)
        self.message: Final = message
        self.fields: Final = fields

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Refusal):
            return NotImplemented
        return (self.message, self.fields) == (other.message, other.fields)

    def __hash__(self) -> int:
        return hash((type(self), self.message))


class NotFound(Refusal):
    """What the command or the question names does not exist."""


class Forbidden(Refusal):
    """The role suffices, the person does not (four eyes, another team's case)."""


class InvalidCommand(Refusal):
    """The command is well formed but contradicts itself or the values it may have."""


class StaleVersion(Refusal):
    """The caller decided on a version that is no longer the latest one."""


class IdempotencyKeyReused(Refusal):
    """The idempotency key belongs to another command."""


class CommandInFlight(Refusal):
    """The command with this idempotency key is being carried out now."""


class Overloaded(Exception):
    """Back-pressure: nothing was decided or stored, the caller should try again after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.message: Final = message
        self.retry_after_seconds: Final = retry_after_seconds
