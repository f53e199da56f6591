"""Cursor pages: the cursor is the sort key of the last row, so rows that arrive in between neither repeat nor hide."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from arrears.http.problems import Problem

Row = TypeVar("Row")
MAX_ROWS: Final = 100

Cursor = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` rows after the row whose sort key is `after` (None: from the start)."""

    limit: int
    after: Cursor | None


class Page(BaseModel, Generic[Row]):
    """One page; `next` is the cursor of the following one, null on the last."""

    items: list[Row]
    next: str | None = None


def encode_cursor(key: Cursor) -> str:
    """Return the sort key as an opaque text for an URL."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Return the sort key of `text`.

    Raises:
        Problem: 400, the text is no cursor of ours.
    """
    try:
        key = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise Problem(400, "cursor-invalid", "the cursor is not one that this service gave") from error
    if not isinstance(key, list) or not key or any(type(part) not in (str, int) for part in key):
        raise Problem(400, "cursor-invalid", "the cursor is not one that this service gave")
    return tuple(key)


def page_of(rows: Sequence[Row], request: PageRequest, key: Callable[[Row], Cursor]) -> Page[Row]:
    """Return the page of `rows`. The caller fetched up to `limit + 1`: the extra one tells that more follow."""
    shown = list(rows[: request.limit])
    more = len(rows) > request.limit
    return Page(items=shown, next=encode_cursor(key(shown[-1])) if more else None)


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    after: Annotated[str | None, Query(max_length=512, description="`next` of the page before")] = None,
) -> PageRequest:
    return PageRequest(limit, None if after is None else decode_cursor(after))


Paging = Annotated[PageRequest, Depends(_page_request)]
