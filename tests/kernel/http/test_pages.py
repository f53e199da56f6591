"""Cursors come back as they were given, strangers' texts are refused, and pages neither repeat nor lose a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.http.pages import Cursor, PageRequest, decode_cursor, encode_cursor, page_of
from arrears.http.problems import Problem


@given(st.lists(st.text() | st.integers(), min_size=1).map(tuple))
def test_a_cursor_comes_back_as_it_was_given(key: Cursor) -> None:
    assert decode_cursor(encode_cursor(key)) == key


@given(st.text(max_size=60))
def test_a_text_that_is_no_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        key = decode_cursor(text)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert key


@pytest.mark.parametrize("text", ["", "W10", "e30", "WzEuNV0", "W3RydWVd", "WzEsW11d", "Wy", "é", "W10=%"])
def test_json_of_another_shape_is_no_cursor(text: str) -> None:
    with pytest.raises(Problem):
        decode_cursor(text)


@given(st.integers(0, 40), st.integers(1, 10))
def test_walking_all_pages_gives_every_row_once(count: int, limit: int) -> None:
    rows, seen, after = list(range(count)), list[int](), -1
    while True:
        fetched = [row for row in rows if row > after][: limit + 1]
        page = page_of(fetched, PageRequest(limit, None), lambda row: (row,))
        seen += page.items
        if page.next is None:
            break
        (last,) = decode_cursor(page.next)
        assert isinstance(last, int)
        after = last
    assert seen == rows
