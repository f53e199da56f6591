"""The virtual clock behind real HTTP: followers see each move, in order, and never a time that goes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from arrears.clock import ClockUnavailable, SystemClock, VirtualClock, VirtualClockRefused, clock_from_settings
from arrears.testing.servers import serving
from arrears_local.clock.app import ClockProcess, clock_app

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    process = ClockProcess(START)
    async with serving(lambda _: clock_app(process)) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        yield client


async def move(http: httpx.AsyncClient, url: str, at: object, **options: object) -> httpx.Response:
    return await http.post(f"{url}/now", json={"at": at.isoformat() if isinstance(at, datetime) else at, **options})


async def test_a_follower_sees_each_move_before_the_move_is_answered(url: str, http: httpx.AsyncClient) -> None:
    async with clock_from_settings("virtual", url, "development", "outreach") as clock:
        assert clock.now() == START
        for day in range(1, 60):
            answer = await move(http, url, START + day * DAY, settle_seconds=10)
            assert answer.json()["behind"] == []
            assert clock.now() == START + day * DAY


async def test_many_followers_are_listed_and_all_see_the_move(url: str, http: httpx.AsyncClient) -> None:
    async with (
        clock_from_settings("virtual", url, "development", "ingest") as first,
        clock_from_settings("virtual", url, "development", "legal") as second,
    ):
        waiting = [asyncio.create_task(clock.changed()) for clock in (first, second)]
        await move(http, url, START + DAY, settle_seconds=10)
        answer = await move(http, url, START + 2 * DAY, settle_seconds=10)
        await asyncio.gather(*waiting)
        assert {name.partition("/")[0] for name in answer.json()["clients"]} == {"ingest", "legal"}
        assert first.now() == second.now() == START + 2 * DAY


async def test_waiting_ends_when_the_instant_is_reached_and_not_before(url: str, http: httpx.AsyncClient) -> None:
    async with clock_from_settings("virtual", url, "development", "timers") as clock:
        due = asyncio.create_task(clock.wait_until(START + 2 * DAY))
        await clock.wait_until(START)
        await move(http, url, START + DAY, settle_seconds=10)
        assert not due.done()
        await move(http, url, START + 9 * DAY, settle_seconds=10)
        await due
        await clock.wait_until(START + 2 * DAY)


async def test_the_clock_never_goes_back(url: str, http: httpx.AsyncClient) -> None:
    await move(http, url, START + DAY)
    answer = await move(http, url, START)
    assert answer.status_code == 409
    assert "never goes back" in answer.json()["error"]
    assert (await move(http, url, START + DAY)).status_code == 200


@pytest.mark.parametrize("at", ["tomorrow", "2026-01-06T00:00:00", None, 7, ["2026-01-06T00:00:00Z"]])
async def test_what_is_no_instant_with_a_zone_is_refused(url: str, http: httpx.AsyncClient, at: object) -> None:
    assert (await move(http, url, at)).status_code == 400
    assert (await http.get(f"{url}/now", params={"after": "tomorrow"})).status_code == 400
    assert (await http.post(f"{url}/now", content=b"[")).status_code == 400


async def test_another_offset_is_the_same_instant(url: str, http: httpx.AsyncClient) -> None:
    await move(http, url, "2026-01-06T16:00:00+08:00")
    assert (await http.get(f"{url}/now")).json() == {"now": (START + DAY).isoformat()}


async def test_a_follower_that_left_does_not_hold_a_move(url: str, http: httpx.AsyncClient) -> None:
    async with clock_from_settings("virtual", url, "development", "killed"):
        await move(http, url, START + DAY, settle_seconds=10)
    answers = [await move(http, url, START + day * DAY, settle_seconds=10) for day in (2, 3)]
    assert answers[-1].json()["behind"] == []


async def test_the_time_survives_a_restart_of_the_clock(tmp_path: Path, http: httpx.AsyncClient) -> None:
    kept = tmp_path / "clock"
    async with serving(lambda _: clock_app(ClockProcess(START, kept))) as address:
        await move(http, address, START + 3 * DAY)
    async with serving(lambda _: clock_app(ClockProcess(START, kept))) as address:
        assert (await http.get(f"{address}/now")).json() == {"now": (START + 3 * DAY).isoformat()}


async def test_a_clock_that_was_not_started_or_does_not_answer_says_so(http: httpx.AsyncClient) -> None:
    clock = VirtualClock(http, "http://127.0.0.1:1", "x")
    with pytest.raises(ClockUnavailable):
        clock.now()


async def test_the_virtual_clock_is_refused_in_production() -> None:
    with pytest.raises(VirtualClockRefused):
        async with clock_from_settings("virtual", "http://127.0.0.1:1", "production", "x"):
            raise AssertionError("it must not start")


async def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="system or virtual"):
        async with clock_from_settings("sundial", "", "development", "x"):
            raise AssertionError("it must not start")


async def test_real_time_is_in_utc_and_a_past_instant_is_not_waited_for() -> None:
    async with clock_from_settings("system", "", "production", "x") as clock:
        assert isinstance(clock, SystemClock)
        before = clock.now()
        assert before.tzinfo is UTC
        await clock.wait_until(before)
        await clock.wait_until(before + timedelta(milliseconds=20))
        assert clock.now() - before >= timedelta(milliseconds=20)
