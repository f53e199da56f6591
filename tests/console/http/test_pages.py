"""The pages as a browser gets them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from msgspec.structs import replace
from tests.console.conftest import Browser, hear
from tests.console.story import DEBTOR, story

from arrears.events.registry import event_types
from arrears.recorded import Recorded
from arrears.runtime import Runtime
from arrears.values.identity import debtor_id
from console.entrypoints.texts import TEXTS


def text(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.fixture
async def lead(browser: Browser) -> Browser:
    await browser.sign_in("lead-1")
    return browser


async def test_a_debtors_page_shows_events_of_every_service(console: Runtime, lead: Browser) -> None:
    await hear(console, story())
    answer = await lead.get(f"/debtors/{DEBTOR}")
    shown = text(answer.text)
    assert answer.status_code == 200
    for line in (
        "Loan overdue: 1 days past due, bucket M1, 1,065.80 CNY due",
        "Scored C by model baseline v1",
        "Promise to pay 500.00 CNY: 2026-03-06 500.00 CNY (by the debtor, taken by collector-1)",
        "Escalated to legal: payment order, principal claimed 11,500.00 CNY",
        "Case closed: paid off",
    ):
        assert line in shown
    assert "late by 5 d" in shown
    assert "late by 5 h" in shown
    assert '<a href="#e-ingest-3">LoanOverdue ingest/3</a>' in answer.text
    assert "because of camt#1" in shown
    assert "2026-03-03 09:00:00" in shown, "times stand in the debtor's zone"


async def test_the_page_speaks_chinese(console: Runtime, lead: Browser) -> None:
    await hear(console, story())
    answer = await lead.get(f"/debtors/{DEBTOR}", **{"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "承诺还款 500.00 元：2026-03-06 500.00 元（债务人，记录人 collector-1）" in unescape(answer.text)
    assert '<html lang="zh-CN">' in answer.text
    by_query = await lead.get(f"/debtors/{DEBTOR}?lang=zh")
    assert '<html lang="zh-CN">' in by_query.text


async def test_one_service_can_be_looked_at_alone(console: Runtime, lead: Browser) -> None:
    await hear(console, story())
    answer = await lead.get(f"/debtors/{DEBTOR}?service=legal")
    assert "Escalated to legal" in answer.text
    assert "Loan overdue" not in answer.text
    assert (await lead.get(f"/debtors/{DEBTOR}?service=audit")).text.count("No events under this filter") == 1
    assert (await lead.get(f"/debtors/{DEBTOR}?service=other")).status_code == 422


async def test_lines_stand_by_event_time_in_both_orders(console: Runtime, lead: Browser) -> None:
    await hear(console, story())
    old = (await lead.get(f"/debtors/{DEBTOR}?order=old")).text
    new = (await lead.get(f"/debtors/{DEBTOR}")).text
    found = re.findall(r'<tr id="(e-[\w-]+)"', old)
    assert found == re.findall(r'<tr id="(e-[\w-]+)"', new)[::-1]
    assert found[0] == "e-ingest-1"
    assert len(found) == len(story())


async def test_events_of_one_instant_stand_in_the_order_of_their_log(console: Runtime, lead: Browser) -> None:
    template = story()[2]
    await hear(
        console,
        [
            replace(template, position=p, event_id=f"{s}/{p}", source=s)
            for s in ("scoring", "ingest")
            for p in (9, 10, 100)
        ],
    )
    html = (await lead.get(f"/debtors/{DEBTOR}?order=old")).text
    found = re.findall(r'<tr id="e-([\w-]+)"', html)
    assert found == ["ingest-9", "ingest-10", "ingest-100", "scoring-9", "scoring-10", "scoring-100"]


async def test_a_long_timeline_comes_in_pages_without_gap_or_repetition(console: Runtime, lead: Browser) -> None:
    events = story()
    many = [e for i in range(20) for e in _shifted(events, i)]
    await hear(console, many)
    seen: list[str] = []
    path = f"/debtors/{DEBTOR}"
    while path:
        html = (await lead.get(path)).text
        seen += re.findall(r'<tr id="(e-[\w-]+)"', html)
        following = re.search(r'<a href="([^"]*)">Next page</a>', html)
        path = unescape(following.group(1)) if following else ""
    assert len(seen) == len(set(seen)) == len(many)


def _shifted(events: list[Recorded], turn: int) -> list[Recorded]:
    return [
        replace(e, event_id=f"{e.source}/{e.position + 1_000 * turn}", position=e.position + 1_000 * turn)
        for e in events
    ]


async def test_the_list_finds_debtors_by_the_beginning_of_a_reference(console: Runtime, lead: Browser) -> None:
    for number in range(60):
        ref = f"{1001 + number}"
        told = story(debtor_id("default", "core", f"C-{ref}"), ref)
        await hear(console, [replace(e, event_id=f"{e.event_id}/{ref}") for e in told])
    first = await lead.get("/debtors")
    assert first.text.count('<th scope="row">') == 50
    following = re.search(r'<a href="([^"]*)">Next page</a>', first.text)
    assert following is not None
    second = await lead.get(unescape(following.group(1)))
    assert second.text.count('<th scope="row">') == 10
    for search in ("L-1007", "C-1007", debtor_id("default", "core", "C-1007")[:13]):
        found = await lead.get(f"/debtors?q={search}")
        assert found.text.count('<th scope="row">') == 1, search
        assert "C-1007" in found.text
    assert "No debtor fits" in (await lead.get("/debtors?q=%25")).text
    assert "12,065.80 CNY" in first.text


async def test_an_empty_console_says_why(lead: Browser) -> None:
    assert "There are no debtors yet" in (await lead.get("/debtors")).text


@pytest.mark.parametrize("path", ["/debtors/unknown", "/debtors/%00", "/debtors/..%2F..%2Fetc", "/nothing"])
async def test_what_is_not_there_is_a_page_and_no_error(lead: Browser, path: str) -> None:
    answer = await lead.get(path)
    assert answer.status_code == 404
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "query", ["at=xx", "at=WyJhIl0", "at=WzEsMiwzXQ", "order=up", "at=Wzk5OTk5OTk5OTk5OTk5OTk5OTksMSwiYSJd"]
)
async def test_a_wrong_address_is_refused_with_a_page(console: Runtime, lead: Browser, query: str) -> None:
    await hear(console, story())
    answer = await lead.get(f"/debtors/{DEBTOR}?{query}")
    assert answer.status_code in (400, 422)
    assert "The request is wrong" in answer.text


async def test_pages_forbid_everything_but_their_own_style(console: Runtime, lead: Browser) -> None:
    await hear(console, story())
    for path in ("/debtors", f"/debtors/{DEBTOR}", "/nothing"):
        answer = await lead.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    style = re.search(r'<link rel="stylesheet" href="([^"]+)">', answer.text)
    assert style is not None
    css = await lead.get(style.group(1))
    assert css.headers["content-type"].startswith("text/css")
    assert "url(" not in css.text


async def test_what_events_say_is_escaped(console: Runtime, lead: Browser) -> None:
    await hear(console, story(DEBTOR, "<b>1</b>"))
    answer = await lead.get(f"/debtors/{DEBTOR}")
    assert "<b>1" not in answer.text
    assert "&lt;b&gt;1" in answer.text


def test_every_service_has_a_name_in_both_languages() -> None:
    owners = {kind.owner for kind in event_types()} - {"corebanking"}
    for words in TEXTS.values():
        assert owners <= set(words)
