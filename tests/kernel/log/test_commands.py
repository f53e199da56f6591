"""Commands that are appended together: one caller's mistake is nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from tests.kernel.log.runtimes import until_waiting
from tests.kernel.log.toy import CAUSE, FEES, Charge, fees

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.commands import Answer, Commands, IdempotencyKey
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.refusals import Overloaded
from arrears.signal import Signal
from arrears.transient import is_transient


@pytest.fixture
async def commands(database: Database) -> AsyncIterator[Commands]:
    running = Commands(EventStore("ingest", database, partitions=4, deciders=[FEES]), SystemClock(), Signal())
    yield running
    await running.close()


def charge(loan: str, shown_as: str | None = None) -> Any:
    async def handler(work: Work) -> str:
        await work.execute(fees(loan), Charge(shown_as or loan), CAUSE)
        return loan

    return handler


async def side_by_side(commands: Commands, database: Database, *handlers: Any) -> list[Answer | BaseException]:
    """Run the commands so that all but the first share one append: the log is busy until all are decided."""
    lock = await database.session()
    async with lock.transaction():
        await lock.execute("SELECT pg_advisory_xact_lock('es.event'::regclass::oid::bigint)")
        first = asyncio.create_task(commands.run(handlers[0]))
        await until_waiting(database, 1)
        others = [asyncio.create_task(commands.run(handler)) for handler in handlers[1:]]
        await _until_queued(commands, len(others))
    await lock.close()
    return await asyncio.gather(first, *others, return_exceptions=True)


async def _until_queued(commands: Commands, count: int) -> None:
    while commands.waiting < count:  # noqa: ASYNC110  (decided in memory, by other tasks of this loop)
        await asyncio.sleep(0)


async def test_an_event_too_large_fails_its_own_command_only(commands: Commands, database: Database) -> None:
    ends = await side_by_side(commands, database, charge("a"), charge("b"), charge("c", "c" * 900_001), charge("d"))
    assert [end.response if isinstance(end, Answer) else type(end) for end in ends] == [
        "a",
        "b",
        asyncpg.CheckViolationError,
        "d",
    ]


async def test_two_commands_on_one_stream_in_one_group_both_succeed(commands: Commands, database: Database) -> None:
    ends = await side_by_side(commands, database, charge("a"), charge("b"), charge("b"), charge("b"))
    assert {end.event_ids for end in ends if isinstance(end, Answer)} == {(f"ingest/{i}",) for i in range(1, 5)}


async def test_a_command_that_causes_nothing_keeps_its_answer_under_its_key(commands: Commands) -> None:
    async def nothing(_work: Work) -> str:
        return "nothing to do"

    key = IdempotencyKey.of("alice", "k", b"body")
    answers = [await commands.run(nothing, key) for _ in range(2)]
    assert [(a.response, a.event_ids, a.replayed) for a in answers] == [
        ("nothing to do", (), False),
        ("nothing to do", (), True),
    ]


async def test_more_commands_than_may_wait_are_turned_away(commands: Commands, database: Database) -> None:
    lock = await database.session()
    async with lock.transaction():
        await lock.execute("SELECT pg_advisory_xact_lock('es.event'::regclass::oid::bigint)")
        first = asyncio.create_task(commands.run(charge("first")))
        await until_waiting(database, 1)
        waiting = [asyncio.create_task(commands.run(charge(f"loan-{i}"))) for i in range(2_100)]
        await _until_queued(commands, 2_000)
        for _, one in zip(range(100), asyncio.as_completed(waiting), strict=False):
            with pytest.raises(Overloaded):
                await one
    await lock.close()
    ends = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert sum(isinstance(end, Answer) for end in ends) == 2_001


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionRefusedError(), True),
        (asyncpg.AdminShutdownError(""), True),
        (StreamVersionConflict(), True),
        (asyncpg.CheckViolationError(""), False),
        (ValueError(), False),
        (ExceptionGroup("reactions", [ConnectionResetError(), asyncpg.CannotConnectNowError("")]), True),
        (ExceptionGroup("reactions", [ConnectionResetError(), ValueError()]), False),
    ],
    ids=repr,
)
def test_what_passes_by_itself_is_told_from_what_does_not(error: Exception, passes: bool) -> None:
    assert is_transient(error) is passes
