"""A file that was read to its end, known by the hash of its bytes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from arrears.decider import Decider
from arrears.events.ingest import FileImported
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the file; None while it was not read to its end."""

    outcome: FileImported | None = None


@dataclass(frozen=True, slots=True)
class FinishFile:
    """Say that every entry of the file has been applied, left unmatched or ignored."""

    file_id: str
    format: str
    entries: int
    applied: int
    unmatched: int
    ignored: int


def decide(command: FinishFile, file: FileState) -> tuple[Event, ...]:
    """Return FileImported the first time."""
    if file.outcome is not None:
        return ()
    finished = FileImported(
        file_id=command.file_id, format=command.format, entries=command.entries, applied=command.applied,
        unmatched=command.unmatched, ignored=command.ignored,
    )  # fmt: skip
    return (finished,)


def evolve(file: FileState, event: Event) -> FileState:
    """Return the file after `event`.

    Raises:
        CorruptStream: the event is none of a file.
    """
    if not isinstance(event, FileImported):
        raise CorruptStream(f"{type(event).__name__} is no event of a file")
    return FileState(outcome=event)


IMPORTED_FILE: Final[Decider[FinishFile, FileState]] = Decider(
    name="file", initial=FileState(), decide=decide, evolve=evolve, state_type=FileState
)
