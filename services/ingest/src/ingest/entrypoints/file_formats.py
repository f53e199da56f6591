"""The formats of files: bytes → payments or facts, by the readers of the adapters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from arrears.events.corebanking import LoanBooked
from arrears.events.registry import Event, InvalidEvent, UnknownEvent
from arrears.eventstore.work import Cause, Work
from arrears.kafka.cloudevents import RawRecord, from_foreign
from arrears.recorded import Recorded
from ingest.adapters import camt, portfolio_csv, traffic_csv, xes
from ingest.adapters.fineract.messages import TOPIC as FINERACT_TOPIC
from ingest.adapters.fineract.messages import facts_of
from ingest.adapters.traffic_fines import SOURCE, Log
from ingest.domain.refusals import FileUnreadable, FormatUnknown
from ingest.entrypoints.steps import STEPS
from ingest.use_cases.match_receipt import Payment
from ingest.use_cases.receive_file import FileContent
from ingest.use_cases.told import NATIVE, NATIVE_TOPIC, Told, told

_STRUCTURED: Final = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it came: its bytes, when, and because of whom."""

    data: bytes
    at: datetime
    cause: Cause

    @property
    def file_id(self) -> str:
        """SHA-256 of the bytes: the same bytes are the same file, whatever it is called."""
        return hashlib.sha256(self.data).hexdigest()


def read_file(format_name: str, arrival: Arrival) -> tuple[FileContent, set[str]]:
    """Return what the file holds, and the debtors whose keys its facts need.

    Raises:
        FormatUnknown: no reader has that name.
        FileUnreadable: the file is not what the format says.
    """
    reader = _READERS.get(format_name)
    if reader is None:
        raise FormatUnknown(f"no reader knows {format_name!r}; formats are {', '.join(sorted(_READERS))}")
    return reader(arrival)


def _camt(arrival: Arrival) -> tuple[FileContent, set[str]]:
    found = camt.read(arrival.data)
    payments = [
        Payment(
            identity="/".join(credit.identity), amount_minor=credit.amount_minor, currency=credit.currency,
            value_on=credit.value_on, booked_on=credit.booked_on, reference=credit.reference,
            document=credit.document, names=_names(credit), unclear=credit.unclear,
        )
        for credit in found.credits
    ]  # fmt: skip
    left_out, rejected = ([f"{one.place}: {one.reason}" for one in some] for some in (found.ignored, found.rejected))
    left_out += [f"{one.place}: {one.reason}" for one in found.differences]
    return FileContent(arrival.file_id, "camt", payments, (), len(found.ignored), left_out, rejected), set()


def _names(credit: camt.BankCredit) -> tuple[tuple[str, ...], ...]:
    levels = ((credit.reference,), (credit.end_to_end_id,), credit.words)
    return tuple(names for level in levels if (names := tuple(name for name in level if name)))


def _fines(read: Callable[[bytes], Log], format_name: str, arrival: Arrival) -> tuple[FileContent, set[str]]:
    log = read(arrival.data)
    facts = [partial(_apply, Told(SOURCE, fact.at, arrival.cause), fact.event) for fact in log.facts]
    left_out = [*log.findings, *(f"{n} × {activity}: says nothing about money" for activity, n in log.ignored.items())]
    ignored = sum(log.ignored.values())
    return FileContent(arrival.file_id, format_name, (), facts, ignored, left_out, log.rejected), set()


def _portfolio(arrival: Arrival) -> tuple[FileContent, set[str]]:
    portfolio = portfolio_csv.read(arrival.data)
    circumstances = Told(NATIVE, arrival.at, arrival.cause)
    facts = [partial(_apply, circumstances, event) for event in portfolio.facts]
    persons = {circumstances.debtor_id(e.customer_ref) for e in portfolio.facts if isinstance(e, LoanBooked)}
    return FileContent(arrival.file_id, "portfolio-csv", (), facts, rejected=portfolio.rejected), persons


def _fineract(arrival: Arrival) -> tuple[FileContent, set[str]]:
    record = RawRecord(FINERACT_TOPIC, 0, 0, None, arrival.data, (), arrival.at)
    return _content(arrival, "fineract", partial(facts_of, arrival.data, record))


def _jsonl(arrival: Arrival) -> tuple[FileContent, set[str]]:
    def records() -> Iterator[Recorded]:
        for number, line in enumerate(arrival.data.splitlines(), start=1):
            if line.strip():
                try:
                    yield from_foreign(RawRecord(NATIVE_TOPIC, 0, number, None, line, _STRUCTURED, arrival.at), NATIVE)
                except (InvalidEvent, UnknownEvent) as error:
                    raise FileUnreadable(f"line {number}: {error}") from error

    return _content(arrival, "jsonl", records)


def _content(
    arrival: Arrival, format_name: str, read: Callable[[], Iterable[Recorded]]
) -> tuple[FileContent, set[str]]:
    try:
        records = list(read())
    except (InvalidEvent, UnknownEvent) as error:
        raise FileUnreadable(str(error)) from error
    facts, persons = [], set()
    for record in records:
        circumstances = Told(told(record).source, record.occurred_at, arrival.cause)
        data: Any = record.data
        if hasattr(data, "customer"):
            persons.add(circumstances.debtor_id(data.customer_ref))
        facts.append(partial(_apply, circumstances, record.data))
    return FileContent(arrival.file_id, format_name, (), facts), persons


async def _apply(circumstances: Told, event: Event, work: Work) -> None:
    await STEPS[type(event)](circumstances, event, work)


_READERS: Final[Mapping[str, Callable[[Arrival], tuple[FileContent, set[str]]]]] = {
    "camt": _camt,
    "xes": partial(_fines, xes.read, "xes"),
    "traffic-csv": partial(_fines, traffic_csv.read, "traffic-csv"),
    "portfolio-csv": _portfolio,
    "fineract": _fineract,
    "jsonl": _jsonl,
}
