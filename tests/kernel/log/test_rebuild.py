"""A rebuilt read model equals the live one, is swapped in at one moment, and shows a live one that was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
from tests.kernel.log import delivery
from tests.kernel.log.delivery import running
from tests.kernel.log.runtimes import TALLIES, Subscribed, database_beside, subscribed, until_waiting

from arrears.database import Database
from arrears.followers import ProjectionFollower
from arrears.parked import redrive
from arrears.projections import Projection, Write
from arrears.rebuild import rebuild
from arrears.runtime import Runtime
from arrears.service import runtime
from arrears.timeline import timeline
from arrears_local.kafka import KafkaProcess
from arrears_local.postgres import PostgresProcess

LOANS = [f"loan-{i}" for i in range(6)]
HEARD = "SELECT coalesce(sum(heard), 0) FROM read.tallies"


@pytest.fixture
async def pair(
    database: Database, postgres: PostgresProcess, kafka: KafkaProcess, unique: Callable[[str], str]
) -> AsyncIterator[Subscribed]:
    name = unique("subscriber").replace(".", "_")
    async with (
        database_beside(postgres.url("postgres"), name) as url,
        subscribed(database, url, kafka.bootstrap, unique("ingest.events"), TALLIES) as both,
    ):
        yield both


def ignore(_done: int, _total: int) -> None:
    pass


async def follow(pair: Subscribed, rounds: int = 3) -> None:
    """Let the subscriber hear and tally `rounds` fees of each loan."""
    async with running(pair.relay().run(), pair.consumer().run(), pair.follower().run()):
        for _ in range(rounds):
            await pair.charge(LOANS)
        await pair.until(HEARD, rounds * len(LOANS))


async def test_a_rebuild_from_own_and_foreign_events_equals_the_live_table_and_is_swapped_in(pair: Subscribed) -> None:
    await follow(pair)
    live = await pair.table("tallies")
    done = await rebuild(pair.runtime, "tallies", ignore)
    assert (done.equal, done.swapped, done.old_gen, done.new_gen) == (True, True, 1, 2)
    assert (done.events, done.new_rows) == (36, 6)
    assert await pair.table("tallies") == live == [(loan, 3, 300, 3) for loan in LOANS]
    async with pair.runtime.database.connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'read'")
    assert [row["tablename"] for row in tables] == ["tallies_2"]


async def test_a_read_model_that_only_grows_has_its_indexes_after_a_rebuild(
    database: Database, postgres: PostgresProcess, kafka: KafkaProcess, unique: Callable[[str], str]
) -> None:
    """Its table fills without them, so they must be there before readers come to it."""
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'read' AND tablename = $1"
    name = unique("subscriber").replace(".", "_")
    async with (
        database_beside(postgres.url("postgres"), name) as url,
        subscribed(database, url, kafka.bootstrap, unique("ingest.events"), timeline("ingest")) as both,
    ):
        async with running(both.relay().run(), both.consumer().run(), both.follower().run()):
            await both.charge(LOANS)
            await both.until("SELECT count(*) FROM read.timeline", len(LOANS))
        async with both.runtime.database.connection() as connection:
            before = await connection.fetchval(indexes, "timeline_1")
        done = await rebuild(both.runtime, "timeline", ignore)
        assert (done.equal, done.new_rows) == (True, len(LOANS))
        async with both.runtime.database.connection() as connection:
            assert await connection.fetchval(indexes, "timeline_2") == before > 1


async def test_live_writes_after_the_swap_go_to_the_new_generation(pair: Subscribed) -> None:
    await follow(pair)
    await rebuild(pair.runtime, "tallies", ignore)
    async with running(pair.relay().run(), pair.consumer().run(), pair.follower().run()):
        await pair.charge(LOANS)
        await pair.until(HEARD, 4 * len(LOANS))
    assert await pair.table("tallies") == [(loan, 4, 400, 4) for loan in LOANS]


async def test_a_rebuild_that_is_not_to_be_swapped_leaves_everything_as_it_was(pair: Subscribed) -> None:
    await follow(pair)
    done = await rebuild(pair.runtime, "tallies", ignore, swap=False)
    assert (done.equal, done.swapped) == (True, False)
    async with pair.runtime.database.connection() as connection:
        generations = await connection.fetch("SELECT gen, status FROM es.projection")
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'read'")
    assert [tuple(row) for row in generations] == [(1, "live")]
    assert [row["tablename"] for row in tables] == ["tallies_1"]


async def test_a_live_table_that_was_wrong_is_shown_and_replaced(pair: Subscribed) -> None:
    await follow(pair)
    async with pair.runtime.database.connection() as connection:
        await connection.execute("UPDATE read.tallies_1 SET sum_minor = sum_minor + 1 WHERE loan_id = 'loan-3'")
    done = await rebuild(pair.runtime, "tallies", ignore)
    assert not done.equal
    assert (done.old_rows, done.new_rows) == (6, 6)
    assert await pair.table("tallies") == [(loan, 3, 300, 3) for loan in LOANS]


async def test_live_writes_go_on_while_a_table_is_rebuilt(pair: Subscribed) -> None:
    await follow(pair, rounds=5)
    async with running(pair.relay().run(), pair.consumer().run(), pair.follower().run()):
        charged = 5
        for _ in range(3):
            building = asyncio.create_task(rebuild(pair.runtime, "tallies", ignore))
            while not building.done():
                await pair.charge(LOANS)
                charged += 1
            assert (await building).equal
        await pair.until(HEARD, charged * len(LOANS))
    last = await rebuild(pair.runtime, "tallies", ignore)
    assert last.equal
    assert await pair.table("tallies") == [(loan, charged, 100 * charged, charged) for loan in LOANS]


async def test_readers_never_miss_the_view_during_a_swap(pair: Subscribed) -> None:
    await follow(pair)
    expected = await pair.table("tallies")
    building = asyncio.create_task(rebuild(pair.runtime, "tallies", ignore))
    while not building.done():
        assert await pair.table("tallies") == expected
    assert (await building).swapped


async def test_a_live_table_that_lags_behind_the_log_is_compared_at_its_own_position(pair: Subscribed) -> None:
    await follow(pair)
    async with running(pair.relay().run(), pair.consumer().run()):  # no follower: own events wait
        await pair.charge(LOANS)
        await pair.until("SELECT count(*) FROM es.event", 4 * len(LOANS))
    done = await rebuild(pair.runtime, "tallies", ignore)
    assert done.equal
    assert await pair.table("tallies") == [(loan, 4, 400, 3) for loan in LOANS]
    async with running(pair.follower().run()):
        await pair.until(HEARD, 4 * len(LOANS))


async def test_parked_records_are_left_out_and_those_redriven_meanwhile_are_not(
    pair: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(pair.relay().run(), pair.consumer().run(), pair.follower().run()):
        await pair.charge(["loan-0"], amount=666)
        await pair.charge(LOANS)
        await pair.until(HEARD, len(LOANS) - 1)
    done = await rebuild(pair.runtime, "tallies", ignore)
    assert done.equal
    assert len(await pair.table("tallies")) == len(LOANS) - 1

    monkeypatch.setitem(delivery.REFUSED, "amount", 0)  # the fix
    before: list[str] = []

    def redrive_once(_done: int, _total: int) -> None:
        """The rebuild has passed the parked records when it reports the first ones that it folded."""
        if not before:
            before.append("redriven")
            redriving.append(asyncio.ensure_future(redrive(pair.runtime.inbox, None, None, pair.runtime.clock.now())))

    redriving: list[asyncio.Future[object]] = []
    done = await rebuild(pair.runtime, "tallies", redrive_once)
    await asyncio.gather(*redriving)
    assert done.equal
    async with running(pair.follower().run()):
        await pair.until(HEARD, len(LOANS) + 1)
    assert (await rebuild(pair.runtime, "tallies", ignore)).equal
    assert (await pair.table("tallies"))[0] == ("loan-0", 2, 766, 2)


async def test_progress_only_grows_and_ends_at_the_whole(pair: Subscribed) -> None:
    await follow(pair)
    seen: list[tuple[int, int]] = []
    await rebuild(pair.runtime, "tallies", lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] > 0


async def test_a_rebuild_that_breaks_leaves_no_trace(pair: Subscribed) -> None:
    await follow(pair)

    def stop(_done: int, _total: int) -> None:
        raise RuntimeError("the operator pressed Ctrl-C")

    with pytest.raises(RuntimeError):
        await rebuild(pair.runtime, "tallies", stop)
    async with pair.runtime.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM es.projection") == 1
    assert (await rebuild(pair.runtime, "tallies", ignore)).equal


async def test_a_projection_that_is_not_there_is_named(pair: Subscribed) -> None:
    with pytest.raises(LookupError, match="outreach has no projection 'sums'; it has: tallies"):
        await rebuild(pair.runtime, "sums", ignore)


NEWER = replace(
    TALLIES,
    version=2,
    columns="loan_id text PRIMARY KEY, fees int NOT NULL",
    writes=(
        Write(
            lambda events: [(loan, fees) for loan, fees, _, _ in TALLIES.writes[0].rows(events) if fees],
            "INSERT INTO {table} AS t SELECT * FROM unnest($1::text[], $2::int[]) "
            "ON CONFLICT (loan_id) DO UPDATE SET fees = t.fees + excluded.fees",
        ),
    ),
    indexes=(),
)


async def test_a_new_version_of_a_projection_is_rebuilt_with_its_own_columns(pair: Subscribed) -> None:
    await follow(pair)
    async with with_projection(pair, NEWER) as newer:
        done = await rebuild(newer, "tallies", ignore)
        assert not done.equal
        assert await pair.table("tallies") == [(loan, 3) for loan in LOANS]
        assert (await rebuild(newer, "tallies", ignore)).equal
        async with newer.database.connection() as connection:
            assert await connection.fetchval("SELECT code_version FROM es.projection WHERE status = 'live'") == 2


def with_projection(pair: Subscribed, projection: Projection) -> AbstractAsyncContextManager[Runtime]:
    """Start the same service with newer code."""
    return runtime(replace(pair.runtime.definition, projections=[projection]), pair.runtime.settings)


async def test_a_swap_and_a_follower_take_their_locks_in_one_order(pair: Subscribed) -> None:
    await follow(pair)
    gate = await pair.runtime.database.session()
    async with gate.transaction():
        await gate.fetch("SELECT * FROM es.live()")  # whoever applies events now holds the swap back
        building = asyncio.create_task(rebuild(pair.runtime, "tallies", ignore))
        await until_waiting(pair.runtime.database, 1)
        following = asyncio.create_task(pair.follower().advance())
        await until_waiting(pair.runtime.database, 2)
    await gate.close()
    assert (await building).equal
    assert await following == 0


async def test_two_replicas_that_follow_the_log_apply_each_event_once(pair: Subscribed) -> None:
    await follow(pair)
    async with pair.runtime.database.connection() as connection:
        await connection.execute("UPDATE es.projection SET position = 0; UPDATE read.tallies_1 SET heard = 0")
    bound: Runtime = pair.runtime
    followers = [ProjectionFollower(bound.store, [TALLIES], bound.appended, 0.05) for _ in range(3)]
    await asyncio.gather(*(follower.advance() for follower in followers))
    assert await pair.table("tallies") == [(loan, 3, 300, 3) for loan in LOANS]
