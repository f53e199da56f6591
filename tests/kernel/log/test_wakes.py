"""Waking streams at the close of a day: page by page, each exactly once, and nobody who must not be woken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs
from tests.kernel.log.sleepers import SLEEPERS, Sleep, Sleeper, sleeper, wake_up
from tests.kernel.log.toy import CAUSE, NOON

from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.values.identity import partition_of
from arrears.wakes import DayRule, Wake, wake_day

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
PARTS = range(4)
RULE = DayRule(SLEEPERS, wake_up)


class Night:
    """A log with sleepers, and the loop in which a consumer wakes them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = EventStore("outreach", database, partitions=len(PARTS), deciders=[SLEEPERS])
        self.pages: list[int] = []

    async def sleeps(self, loan: str, until: date, debtor: str | None = None) -> None:
        work = self.store.work(NOON)
        await work.execute(sleeper(loan, debtor), Sleep(loan, until), CAUSE)
        async with self.database.transaction() as connection:
            await self.store.append(connection, [work])

    async def close(self, on: date, *rules: DayRule, parts: range = PARTS, limit: int = 3) -> set[str]:
        """Close a day and return the streams whose rule failed."""
        stuck: set[str] = set()
        while True:
            async with self.database.transaction() as connection:
                work = self.store.work(NOON, connection)
                woken = await wake_day(connection, work, rules or (RULE,), list(parts), on, stuck, limit)
                await self.store.append(connection, [work])
            self.pages.append(woken)
            if woken < limit:
                return stuck

    async def woken(self, loan: str) -> tuple[str, ...]:
        return (await self.store.work(NOON).state(sleeper(loan))).woken

    async def execute(self, statement: str, *arguments: object) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)


@pytest.fixture
def night(database: Database) -> Night:
    return Night(database)


PARK = """INSERT INTO es.parked (consumer, topic, part, "offset", key, debtor_id, headers, reason, error, record_at)
    VALUES ('outreach', 'ingest.events', 0, 1, $1, $1, '[]', 'invalid', '', now())"""


async def test_every_stream_that_is_due_is_woken_exactly_once_page_by_page(night: Night) -> None:
    loans = [f"loan-{i}" for i in range(10)]
    for loan in loans:
        await night.sleeps(loan, MONDAY)
    assert await night.close(MONDAY) == set()
    assert night.pages == [3, 3, 3, 1]
    await night.close(MONDAY)  # the same day comes twice
    await night.close(TUESDAY)
    assert [await night.woken(loan) for loan in loans] == [("2026-03-02",)] * 10


async def test_a_day_wakes_what_waited_for_an_earlier_one_too_but_nothing_later(night: Night) -> None:
    for loan, until in {"late": MONDAY - timedelta(days=3), "due": MONDAY, "later": TUESDAY}.items():
        await night.sleeps(loan, until)
    await night.close(MONDAY)
    assert [await night.woken(loan) for loan in ("late", "due", "later")] == [("2026-03-02",), ("2026-03-02",), ()]


async def test_a_day_wakes_only_its_own_partitions(night: Night) -> None:
    loans = [f"loan-{i}" for i in range(12)]
    for loan in loans:
        await night.sleeps(loan, MONDAY)
    await night.close(MONDAY, parts=range(2))
    woken = {loan for loan in loans if await night.woken(loan)}
    assert woken == {loan for loan in loans if partition_of(f"debtor-of-{loan}", 4) < 2}
    assert 0 < len(woken) < 12


async def test_a_debtor_with_a_parked_record_is_not_woken_until_it_is_redriven(night: Night) -> None:
    for loan in ("held", "free"):
        await night.sleeps(loan, MONDAY)
    await night.execute(PARK, "debtor-of-held")
    assert await night.close(MONDAY) == set()
    assert [await night.woken(loan) for loan in ("held", "free")] == [(), ("2026-03-02",)]
    await night.execute("DELETE FROM es.parked")
    await night.close(TUESDAY)
    assert await night.woken("held") == ("2026-03-03",)


def failing(loan: str) -> Callable[[Wake, Work], Awaitable[None]]:
    async def handle(wake: Wake, work: Work) -> None:
        await wake_up(wake, work)
        if wake.ref_id == loan:
            raise ZeroDivisionError("a broken rule")

    return handle


async def do_nothing(_wake: Wake, _work: Work) -> None:
    pass


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        pytest.param(failing("loan-1"), "ZeroDivisionError", id="a rule that raises"),
        pytest.param(do_nothing, "would be woken again", id="a rule that does not move its stream"),
    ],
)
async def test_a_rule_that_fails_is_reported_and_the_others_go_on(
    night: Night, rule: Callable[[Wake, Work], Awaitable[None]], told: str
) -> None:
    loans = [f"loan-{i}" for i in range(5)]

    async def only_one_fails(wake: Wake, work: Work) -> None:
        await (rule if wake.ref_id == "loan-1" else wake_up)(wake, work)

    for loan in loans:
        await night.sleeps(loan, MONDAY)
    with capture_logs() as lines:
        stuck = await night.close(MONDAY, DayRule(SLEEPERS, only_one_fails))
    assert stuck == {"sleepers/loan-1"}
    assert [(line["event"], line["stream"]) for line in lines] == [("wake failed", "sleepers/loan-1")]
    assert told in lines[0]["error"]
    assert [bool(await night.woken(loan)) for loan in loans] == [True, False, True, True, True]
    await night.close(TUESDAY)  # the rule was mended meanwhile
    assert await night.woken("loan-1") == ("2026-03-03",)


async def test_a_rule_may_act_on_further_streams_in_the_same_transaction(night: Night) -> None:
    async def wake_the_neighbour_too(wake: Wake, work: Work) -> None:
        await wake_up(wake, work)
        await work.execute(sleeper("neighbour", wake.debtor_id), Sleep("neighbour", TUESDAY), CAUSE)

    await night.sleeps("loan", MONDAY)
    rule = DayRule(SLEEPERS, wake_the_neighbour_too, lambda wake: (sleeper("neighbour", wake.debtor_id),))
    await night.close(MONDAY, rule)
    await night.close(TUESDAY)
    assert await night.woken("neighbour") == ("2026-03-03",)


async def test_a_kind_of_stream_without_a_rule_sleeps_on(night: Night) -> None:
    await night.sleeps("loan", MONDAY)
    await night.close(MONDAY, DayRule(replace(SLEEPERS, name="others"), wake_up))
    assert await night.woken("loan") == ()


async def test_a_stream_that_decided_otherwise_before_the_close_is_not_woken(night: Night) -> None:
    await night.sleeps("loan", MONDAY)
    await night.sleeps("loan", TUESDAY)  # it was prolonged
    await night.close(MONDAY)
    assert await night.woken("loan") == ()


async def test_the_wake_up_follows_from_the_events_alone(night: Night) -> None:
    await night.sleeps("loan", MONDAY)
    await night.execute("UPDATE es.stream SET state_version = 0, state = 'of older code'")
    await night.close(MONDAY)
    assert await night.store.work(NOON).state(sleeper("loan")) == Sleeper(slept=1, woken=("2026-03-02",))
