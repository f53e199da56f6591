"""A CSV of road traffic fines, one row an event, plain or gzip: the syntax; what its events mean is in `traffic_fines`.

Columns: case_id, seq (from 1 within the case, in order), concept:name, time:timestamp, and the amounts amount, expense,
paymentAmount, written in major units with a point. Others are not looked at.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ingest.adapters.traffic_fines import Case, Log
from ingest.domain.refusals import FileUnreadable

_NEEDED: Final = ("case_id", "seq", "concept:name", "time:timestamp", "amount", "expense", "paymentAmount")
_GZIP: Final = b"\x1f\x8b"


def read(data: bytes) -> Log:
    """Return the facts of all cases in the file's order; a row that cannot be read is rejected with its line and reason.

    Raises:
        FileUnreadable: no UTF-8 text, a broken gzip stream, or a column is missing.
    """
    log, cases = Log(), dict[str, Case]()
    rows = csv.DictReader(_lines(data), strict=True)
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise FileUnreadable(f"columns are missing: {', '.join(missing)}")
    try:
        for row in rows:
            _take(row, rows.line_num, cases, log)
    except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileUnreadable(f"line {rows.line_num + 1}: {error}") from error
    return log


def _lines(data: bytes) -> Iterator[str]:
    stream = gzip.GzipFile(fileobj=io.BytesIO(data)) if data.startswith(_GZIP) else io.BytesIO(data)
    try:
        yield from io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise FileUnreadable(f"no readable text: {error}") from error


def _take(row: dict[str, str], line: int, cases: dict[str, Case], log: Log) -> None:
    name = row["case_id"] or ""
    try:
        if not name:
            raise ValueError("case_id is empty")
        at, number = datetime.fromisoformat(row["time:timestamp"] or ""), int(row["seq"] or "")
        cases.setdefault(name, Case(name)).take(number, row["concept:name"] or "", row, at, log)
    except (KeyError, ValueError, TypeError) as error:
        log.rejected.append(f"line {line}, {name or 'no case'}: {error}")
