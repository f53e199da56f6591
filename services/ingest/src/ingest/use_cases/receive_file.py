"""← POST /v1/files: a file is read to its end, in bounded transactions, and known by the hash of its bytes ever after.

Every entry is recognisable by itself, so a file whose import was killed midway is simply read again: what was applied
is not applied twice. The last transaction says FileImported; after it the same bytes change nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from arrears.decider import StreamRef
from arrears.eventstore.commands import Commands
from arrears.eventstore.work import Cause, Work
from arrears.refusals import Refusal
from arrears.values.identity import partition_of
from ingest.domain.imported_file import IMPORTED_FILE, FileState, FinishFile
from ingest.use_cases.match_receipt import Outcome, Payment, match_receipt
from ingest.use_cases.ports import LoanAddress, ReferenceLookup

T = TypeVar("T")
Fact = Callable[[Work], Awaitable[None]]
_TOLD: Final = 100
PAGE: Final = 500
"""Entries in one transaction: bounded, so that a large file neither holds the log's lock nor starves commands."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was read of a file: its entries, how many more there were that have no effect, and why."""

    file_id: str
    format: str
    payments: Sequence[Payment] = ()
    facts: Sequence[Fact] = ()
    ignored: int = 0
    left_out: Sequence[str] = ()
    rejected: Sequence[str] = ()


@dataclass(slots=True)
class Tally:
    """What became of the entries; `repeated` ones had been applied before this file."""

    applied: int = 0
    repeated: int = 0
    unmatched: int = 0
    refused: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Add one entry."""
        setattr(self, outcome, getattr(self, outcome) + 1)


async def earlier_import(file_id: str, work: Work) -> dict[str, Any] | None:
    """Return what became of the same bytes before, if they were read to their end."""
    state: FileState = await work.state(_file(file_id, work))
    if state.outcome is None:
        return None
    done = state.outcome
    return {
        "file_id": file_id, "format": done.format, "imported_before": True, "entries": done.entries,
        "applied": 0, "repeated": done.applied, "unmatched": done.unmatched, "ignored": done.ignored, "left_out": [],
        "rejected": [],
    }  # fmt: skip


async def apply_entries(
    content: FileContent, lookup: ReferenceLookup, commands: Commands, cause: Cause, at: datetime
) -> Tally:
    """Apply the entries page by page, each page one transaction."""
    tally = Tally()
    for page in _pages(content.payments):
        loans = await lookup.find({name for payment in page for level in payment.names for name in level})
        for outcome in (await commands.run(partial(_post, page, loans, cause, at))).response:
            tally.count(outcome)
    for facts in _pages(content.facts):
        answer = (await commands.run(partial(_take, facts))).response
        tally.applied += answer["changed"]
        tally.refused += answer["refused"]
        tally.repeated += len(facts) - answer["changed"] - len(answer["refused"])
    return tally


async def _post(
    page: Sequence[Payment], loans: Mapping[str, Sequence[LoanAddress]], cause: Cause, at: datetime, work: Work
) -> list[Outcome]:
    return [await match_receipt(payment, loans, cause, at, work) for payment in page]


async def _take(facts: Sequence[Fact], work: Work) -> dict[str, Any]:
    changed, refused = 0, []
    for fact in facts:
        before = len(work.pending)
        try:
            await fact(work)
        except Refusal as refusal:
            refused.append(f"{refusal.code}: {refusal.message}")
        else:
            changed += len(work.pending) > before
    return {"changed": changed, "refused": refused}


async def finish_file(content: FileContent, tally: Tally, cause: Cause, work: Work) -> dict[str, Any]:
    """Say that the file was read to its end, and return what became of it."""
    entries = len(content.payments) + len(content.facts) + content.ignored + len(content.rejected)
    finish = FinishFile(
        content.file_id,
        content.format,
        entries,
        tally.applied + tally.repeated,
        tally.unmatched,
        content.ignored + len(tally.refused) + len(content.rejected),
    )
    await work.execute(_file(content.file_id, work), finish, cause)
    return {
        "file_id": content.file_id, "format": content.format, "imported_before": False, "entries": entries,
        "applied": tally.applied, "repeated": tally.repeated, "unmatched": tally.unmatched,
        "ignored": content.ignored + len(tally.refused) + len(content.rejected),
        "left_out": [*content.left_out, *tally.refused][:_TOLD],
        "rejected": list(content.rejected)[:_TOLD],
    }  # fmt: skip


def _file(file_id: str, work: Work) -> StreamRef[FinishFile, FileState]:
    return StreamRef(IMPORTED_FILE, file_id, "", partition_of(file_id, work.partitions))


def _pages(entries: Iterable[T]) -> Iterable[list[T]]:
    iterator = iter(entries)
    while page := list(islice(iterator, PAGE)):
        yield page
