"""Reactions follow the own log: in order for one debtor, side by side for several, at least once whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.kernel.log.delivery import running
from tests.kernel.log.runtimes import definition, settings, until
from tests.kernel.log.toy import CAUSE, FEES, Charge, fees

from arrears.events.ingest import FeeCharged
from arrears.eventstore.work import Work
from arrears.reactions import Reaction, ReactionFollower
from arrears.recorded import Recorded
from arrears.runtime import Runtime
from arrears.service import runtime

CURSOR = "SELECT position FROM es.follower WHERE name = 'reaction-calls'"


@pytest.fixture
async def bound(database_url: str) -> AsyncIterator[Runtime]:
    """The runtime of a service that charges fees and reacts to them; it needs no broker for that."""
    service = replace(definition("unused"), name="ingest", deciders=[FEES], sources=[], subscriptions=[])
    async with runtime(service, settings("ingest", database_url, "127.0.0.1:1")) as found:
        yield found


class Calls:
    """What was done outside, in order; `fails` makes the next call of a fee fail."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails: dict[str, Exception] = {}

    async def react(self, event: Recorded, _runtime: Runtime) -> None:
        assert isinstance(event.data, FeeCharged)
        name = f"{event.data.loan_id}/{event.data.fee_id}"
        self.made.append(name)
        if name in self.fails:
            raise self.fails.pop(name)

    def follower(self, bound: Runtime) -> ReactionFollower:
        return ReactionFollower(Reaction("calls", (FeeCharged,), self.react), bound, bound.appended, 0.05)


async def charge(bound: Runtime, *loans: str) -> None:
    async def handler(work: Work) -> None:
        for loan in loans:
            await work.execute(fees(loan), Charge(loan), CAUSE)

    await bound.commands.run(handler)


async def until_done(bound: Runtime, position: int) -> None:
    async with bound.database.connection() as connection:
        await until(connection, CURSOR, position, bound.appended)


async def test_the_events_of_a_debtor_are_reacted_to_in_order_and_once(bound: Runtime) -> None:
    calls = Calls()
    await charge(bound, *["a", "b"] * 5)
    async with running(calls.follower(bound).run()):
        await until_done(bound, 10)
        await charge(bound, "a")
        await until_done(bound, 11)
    assert [name for name in calls.made if name[0] == "a"] == [f"a/{i}" for i in range(6)]
    assert [name for name in calls.made if name[0] == "b"] == [f"b/{i}" for i in range(5)]


async def test_a_slow_call_for_one_debtor_does_not_hold_up_another(bound: Runtime) -> None:
    other_was_called = asyncio.Event()

    async def react(event: Recorded, _runtime: Runtime) -> None:
        if event.stream_key == "fees/slow":
            await other_was_called.wait()
        other_was_called.set()

    await charge(bound, "slow", "quick")
    follower = ReactionFollower(Reaction("calls", (FeeCharged,), react), bound, bound.appended, 0.05)
    async with running(follower.run()):
        await until_done(bound, 2)


async def test_a_call_that_fails_for_a_while_is_repeated_with_its_page_and_nothing_is_skipped(bound: Runtime) -> None:
    calls = Calls()
    calls.fails["a/1"] = ConnectionResetError("the database went away")
    await charge(bound, *["a"] * 3)
    async with running(calls.follower(bound).run()):
        await until_done(bound, 3)
    assert calls.made == ["a/0", "a/1", "a/0", "a/1", "a/2"]


async def test_a_reaction_begins_again_where_it_was_not_finished(bound: Runtime) -> None:
    calls = Calls()
    calls.fails["a/2"] = ValueError("a bug in the reaction ends its process")
    await charge(bound, "a", "a")
    async with running(calls.follower(bound).run()):
        await until_done(bound, 2)
    await charge(bound, "a")
    with pytest.raises(ExceptionGroup):
        await calls.follower(bound).run()
    async with running(calls.follower(bound).run()):
        await until_done(bound, 3)
    assert calls.made == ["a/0", "a/1", "a/2", "a/2"]


async def test_what_an_earlier_life_may_have_begun_is_known_for_a_repetition(bound: Runtime) -> None:
    calls, repeated = Calls(), Calls()
    reaction = Reaction("calls", (FeeCharged,), calls.react, repeated.react)
    await charge(bound, "a", "a")
    async with running(ReactionFollower(reaction, bound, bound.appended, 0.05).run()):
        await until_done(bound, 2)
        await charge(bound, "a")
        await until_done(bound, 3)
    assert (repeated.made, calls.made) == (["a/0", "a/1"], ["a/2"])


async def test_of_two_replicas_one_reacts(bound: Runtime) -> None:
    calls = Calls()
    async with running(calls.follower(bound).run(), calls.follower(bound).run()):
        for _ in range(5):
            await charge(bound, "a", "b")
        await until_done(bound, 10)
    assert len(calls.made) == len(set(calls.made)) == 10


async def test_what_comes_back_from_outside_is_appended_by_a_command(bound: Runtime) -> None:
    async def react(event: Recorded, runtime: Runtime) -> None:
        if event.stream_key == "fees/asked":
            await charge(runtime, "answered")

    await charge(bound, "asked")
    follower = ReactionFollower(Reaction("calls", (FeeCharged,), react), bound, bound.appended, 0.05)
    async with running(follower.run()):
        await until_done(bound, 2)
    async with bound.database.connection() as connection:
        assert [e.stream_key for e in await bound.store.read(connection, 0, 9)] == ["fees/asked", "fees/answered"]
