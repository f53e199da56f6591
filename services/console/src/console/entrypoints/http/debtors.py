"""The pages about debtors: the list, and one debtor's timeline of all services."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from arrears.http.pages import Cursor, decode_cursor, encode_cursor
from arrears.http.problems import Problem
from arrears.recorded import from_microseconds, microseconds
from console.adapters.questions import Place, Questions
from console.domain.entry import Entry, StoredEvent, anchor, entry_of
from console.entrypoints.http.render import HEADERS, STYLE, language, page, zoned

PAGE_ROWS: Final = 50
PAGE_LINES: Final = 100
SERVICES: Final = ("ingest", "scoring", "outreach", "legal", "audit")
_EVENT_ID: Final = re.compile(rf"(?:{'|'.join(SERVICES)})/[0-9]{{1,18}}")
Service = Literal["", "ingest", "scoring", "outreach", "legal", "audit"]
Text = Annotated[str, Query(max_length=120)]


def debtors_router(questions: Questions) -> APIRouter:
    """Return the pages, bound to the read models."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def get_home() -> Response:
        return RedirectResponse("/debtors", 303, headers=HEADERS)

    @router.get("/static/console.css")
    async def get_style() -> Response:
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(STYLE, media_type="text/css", headers=headers)

    @router.get("/debtors")
    async def get_debtors(
        request: Request, q: Text = "", after: Annotated[str, Query(max_length=512)] = ""
    ) -> Response:
        search = q.strip().replace("\x00", "")
        rows = await questions.debtors(search, _after(after), PAGE_ROWS + 1)
        more = len(rows) > PAGE_ROWS
        last = rows[PAGE_ROWS - 1] if more else None
        values = {
            "rows": rows[:PAGE_ROWS],
            "search": search,
            "first": not after,
            "next": encode_cursor((last.customer_ref, last.debtor_id)) if last else "",
        }
        return page(request, "debtors.html", values)

    @router.get("/debtors/{debtor_id}")
    async def get_debtor(
        request: Request, debtor_id: str, service: Service = "", order: Literal["new", "old"] = "new",
        at: Annotated[str, Query(max_length=512)] = "",
    ) -> Response:  # fmt: skip
        known = await questions.debtor(debtor_id) if "\x00" not in debtor_id else None
        if known is None:
            missing = {"title": "no_such_debtor", "hint": "no_such_debtor_hint", "detail": ""}
            return page(request, "problem.html", missing, 404)
        newest_first = order == "new"
        stored = await questions.entries(
            debtor_id, service, _place(at), newest_first=newest_first, limit=PAGE_LINES + 1
        )
        entries = [entry_of(one, language(request)) for one in stored[:PAGE_LINES]]
        counts = await questions.counts(debtor_id)
        values: dict[str, Any] = {
            "debtor_id": debtor_id,
            "customer_ref": known["customer_ref"] or debtor_id[:8],
            "zone": known["zone"] or "UTC",
            "loans": await questions.loans(debtor_id),
            "entries": entries,
            "causes": await _causes(questions, debtor_id, entries),
            "services": [(name, counts[name]) for name in SERVICES if name in counts],
            "total": sum(counts.values()),
            "service": service,
            "newest_first": newest_first,
            "first": not at,
            "next": _cursor(stored[PAGE_LINES]) if len(stored) > PAGE_LINES else "",
            "local": lambda instant: zoned(instant, known["zone"]),
        }
        return page(request, "debtor.html", values)

    return router


async def _causes(questions: Questions, debtor_id: str, entries: Sequence[Entry]) -> dict[str, tuple[str, str, str]]:
    """Return for each cause that this debtor's timeline holds: where it stands (empty: on this page), its element, its type.

    A cause elsewhere (a file, another debtor's event) has no link and is shown as its bare id.
    """
    here = {entry.event_id for entry in entries}
    found = await questions.places(debtor_id, sorted({entry.causation for entry in entries if entry.causation}))
    return {
        event_id: ("" if event_id in here else _encode(place), anchor(event_id), name)
        for event_id, (place, name) in found.items()
    }


def _after(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    match decode_cursor(text):
        case (str(ref), str(debtor)):
            return ref, debtor
        case _:
            raise _wrong_cursor()


def _place(text: str) -> Place | None:
    if not text:
        return None
    match decode_cursor(text):
        case (int(at), int(recorded), str(event_id)) if _EVENT_ID.fullmatch(event_id):
            return _instant(at), _instant(recorded), event_id
        case _:
            raise _wrong_cursor()


def _instant(value: int) -> datetime:
    try:
        return from_microseconds(value)
    except OverflowError as error:
        raise _wrong_cursor() from error


def _cursor(one: StoredEvent) -> str:
    return _encode((one.occurred_at, one.recorded_at, one.event_id))


def _encode(place: Place) -> str:
    key: Cursor = (microseconds(place[0]), microseconds(place[1]), place[2])
    return encode_cursor(key)


def _wrong_cursor() -> Problem:
    return Problem(400, "cursor-invalid", "the cursor is not one that this service gave")
