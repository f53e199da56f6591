"""Stable names of events: wire name and version to class, and the upcasters between versions. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import msgspec

Minor = Annotated[int, msgspec.Meta(description="integer minor units of the currency")]
PositiveMinor = Annotated[int, msgspec.Meta(gt=0, description="integer minor units of the currency, above zero")]
NaturalMinor = Annotated[int, msgspec.Meta(ge=0, description="integer minor units of the currency, zero or more")]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code")]
Rate = Annotated[str, msgspec.Meta(pattern=r"^-?\d+(\.\d+)?$", description="decimal rate a year, 0.072 is 7.2 %")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that has happened. What the log holds is not judged again."""


class UnknownEvent(ValueError):
    """No event of that owner, name and version is known here."""


class InvalidEvent(ValueError):
    """The bytes are not an event of the named type: wrong JSON, a missing field, a wrong type, a value out of range."""


Upcast = Callable[[dict[str, Any]], dict[str, Any]]
E = TypeVar("E", bound=type[Event])


@dataclass(frozen=True, slots=True)
class EventType:
    """One published type: who owns it, its stable name, its present version and its class."""

    owner: str
    name: str
    version: int
    cls: type[Event]
    upcasters: dict[int, Upcast]

    @property
    def wire_name(self) -> str:
        """`ce_type`, such as `arrears.ingest.LoanOverdue.v1`."""
        return wire_name(self.owner, self.name, self.version)


_DIGITS: Final = re.compile("[0-9]{1,4}")
_types: Final[dict[tuple[str, str], EventType]] = {}
_by_class: Final[dict[type[Event], EventType]] = {}
_decoders: Final[dict[tuple[str, str], msgspec.json.Decoder[Any]]] = {}
_encoder: Final = msgspec.json.Encoder(order="deterministic")


def wire_name(owner: str, name: str, version: int) -> str:
    """Return the CloudEvents type of version `version` of `owner`'s event `name`."""
    return f"arrears.{owner}.{name}.v{version}"


@lru_cache(maxsize=1_024)
def parse_wire_name(ce_type: str) -> tuple[str, str, int]:
    """Return owner, name and version of a CloudEvents type.

    Raises:
        UnknownEvent: not of the form `arrears.<owner>.<Name>.v<n>`.
    """
    parts = ce_type.split(".")
    if len(parts) != 4 or parts[0] != "arrears" or parts[3][:1] != "v" or not _DIGITS.fullmatch(parts[3][1:]):
        raise UnknownEvent(f"{ce_type!r} is not a type of the form arrears.<owner>.<Name>.v<n>")
    return parts[1], parts[2], int(parts[3][1:])


def published(*owners: str, version: int = 1, upcasters: dict[int, Upcast] | None = None) -> Callable[[E], E]:
    """Register the decorated class under its own name as an event that each of `owners` publishes.

    `upcasters[n]` turns the fields of version n into those of version n + 1.
    """

    def register(cls: E) -> E:
        for owner in owners:
            key = (owner, cls.__name__)
            if key in _types:
                raise TypeError(f"{owner} already publishes {cls.__name__}")
            _types[key] = EventType(owner, cls.__name__, version, cls, upcasters or {})
            _decoders[key] = msgspec.json.Decoder(cls)
            _by_class.setdefault(cls, _types[key])
        return cls

    return register


def event_types() -> Iterator[EventType]:
    """Yield every registered type, by owner and in the order of declaration."""
    return iter(_types.values())


def type_of(cls: type[Event]) -> EventType:
    """Return the registration of an event class."""
    return _by_class[cls]


def encode(event: Event) -> bytes:
    """Return the exact JSON bytes that are stored, hashed and sent."""
    return _encoder.encode(event)


def decode(owner: str, name: str, version: int, data: bytes) -> Event:
    """Return the event that `data` holds, brought up to today's version.

    Raises:
        UnknownEvent: the type is not registered, or the version is newer than this code knows.
        InvalidEvent: the bytes do not fit the type.
    """
    known = _types.get((owner, name))
    if known is None or not 1 <= version <= known.version:
        raise UnknownEvent(f"{wire_name(owner, name, version)} is not known here")
    try:
        if version == known.version:
            event: Event = _decoders[owner, name].decode(data)
            return event
        fields = msgspec.json.decode(data, type=dict[str, Any])
        for step in range(version, known.version):
            fields = known.upcasters[step](fields)
        return msgspec.convert(fields, known.cls)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEvent(f"{wire_name(owner, name, version)}: {error}") from error
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise InvalidEvent(f"{wire_name(owner, name, version)}: not to be upcast: {error!r}") from error
