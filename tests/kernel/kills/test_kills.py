"""Whatever is killed, wherever: nothing is lost, nothing is doubled, and the lag returns to zero by itself.

Two toy services run as processes under a load that goes on. They are killed at every failpoint in turn, then the broker
and the database are killed; after each of these the whole chain is compared with what was sent.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from tests.kernel.kills.processes import Town, town
from tests.kernel.kills.toys import CORE_BANKING, DEFINITIONS
from tests.kernel.log.delivery import PARTITIONS

from arrears.events.corebanking import FeePosted
from arrears.events.registry import encode
from arrears.failpoints import FAILPOINTS
from arrears.kafka.cloudevents import from_own_log, is_heartbeat
from arrears.kafka.consumer import raw_record
from arrears.lag import LagMeter
from arrears.rebuild import rebuild
from arrears.recorded import Recorded
from arrears.runtime import Runtime
from arrears.service import runtime
from arrears.settings import Settings
from arrears.signal import wait

LOANS = [f"loan-{i}" for i in range(8)]
RECEIVING = ["consumer.before_receive", "consumer.after_receive", "consumer.after_begin", "append.before"]
COMMITTING = ["append.after", "commit.before", "commit.after"]
RELAYING = ["relay.before_produce", "relay.after_ack", "relay.after_checkpoint"]
PROJECTING = ["projection.before_commit", "projection.after_commit"]
CALLING = ["provider.before_call", "provider.after_call"]
WAKING = ["timer.after_begin", "timer.after_commit"]
# Each start costs seconds, so the failpoints are shared out between the two services.
PLAN = {
    "ingest": [*RELAYING, *RECEIVING, "commit.after"],
    "outreach": [*CALLING, *WAKING, *PROJECTING, *COMMITTING],
}


@dataclass
class Load:
    """Core banking: posts a fee of each loan again and again, every third round twice."""

    rounds: int = 0

    @asynccontextmanager
    async def going_on(self, bootstrap: str) -> AsyncIterator[None]:
        """Post about five rounds a second while the block runs; a broker that is away is waited for."""
        stop = asyncio.Event()
        posting = asyncio.create_task(self._post(bootstrap, stop))
        try:
            yield
        finally:
            stop.set()
            await posting

    async def _post(self, bootstrap: str, stop: asyncio.Event) -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
            while not stop.is_set():
                for _ in range(2 if self.rounds % 3 == 0 else 1):
                    await asyncio.gather(*[await self._send(producer, loan) for loan in LOANS])
                self.rounds += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await stop.wait()

    async def _send(self, producer: Any, loan: str) -> Any:
        fee = FeePosted(
            loan_ref=loan, customer_ref=f"customer-of-{loan}", fee_ref=f"{self.rounds}", kind="late",
            amount_minor=100, currency="CNY", charged_on=date(2026, 3, 2), contract_clause="8.1",
        )  # fmt: skip
        headers = [
            ("ce_specversion", b"1.0"), ("ce_id", f"{loan}/{self.rounds}".encode()), ("ce_source", b"/core"),
            ("ce_type", b"arrears.corebanking.FeePosted.v1"),
        ]  # fmt: skip
        return await producer.send(CORE_BANKING, encode(fee), key=fee.customer_ref.encode(), headers=headers)


@dataclass
class Witness:
    """Compares everything that the services hold with what was sent to them."""

    town: Town
    runtimes: dict[str, Runtime]

    async def moving(self) -> None:
        """Wait until the end of the chain moves: both services are at work."""
        before = await self._heads()
        async with asyncio.timeout(120):
            while (await self._heads())["outreach"] <= before["outreach"]:
                await wait(asyncio.Event(), 0.1)

    async def settled(self, rounds: int) -> None:
        """Wait until the whole chain has caught up, by itself; then check it."""
        expected = {"ingest": rounds * len(LOANS), "outreach": 3 * rounds * len(LOANS)}
        heads: dict[str, int] = {}
        lag: dict[str, Any] = {"all": "not measured"}
        try:
            async with asyncio.timeout(120):
                while heads != expected or lag:
                    for service in self.town.services.values():
                        service.alive()
                    await wait(asyncio.Event(), 0.2)
                    heads, lag = await self._heads(), await self._lag()
        except TimeoutError:
            told = "\n".join(service.last_words() for service in self.town.services.values())
            raise AssertionError(f"not settled: {heads} of {expected}, behind: {lag}\n{told}") from None
        for name in DEFINITIONS:
            await self._log_is_dense(name)
            await self._topic_tells_it_in_order(name)
            await self._projection_is_the_fold(name)
        await self._each_effect_once(rounds)

    async def _heads(self) -> dict[str, int]:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return {name: await self._value(name, "SELECT count(*) FROM es.event") for name in DEFINITIONS}
        return {}

    async def _lag(self) -> dict[str, Any]:
        found = {}
        for name, bound in self.runtimes.items():
            meter = LagMeter(bound)
            lag = await meter.measure()
            await meter.close()
            behind = {k: v for k, v in (lag.topics | lag.followers | {"instants": lag.due_instants}).items() if v}
            assert lag.parked == 0
            if behind:
                found[name] = behind
        return found

    async def _value(self, service: str, query: str) -> Any:
        async with self.runtimes[service].database.connection() as connection:
            return await connection.fetchval(query)

    async def _rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        async with self.runtimes[service].database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    async def _log_is_dense(self, service: str) -> None:
        assert await self._value(service, "SELECT count(*) = max(position) FROM es.event")
        gaps = "SELECT stream_no FROM es.event GROUP BY stream_no HAVING count(*) <> max(version)"
        assert await self._rows(service, gaps) == []

    async def _topic_tells_it_in_order(self, service: str) -> None:
        """First occurrences are the log, in order per stream; a repetition repeats what was there before."""
        first: dict[str, int] = {}
        async with AIOKafkaConsumer(bootstrap_servers=self.town.kafka.bootstrap) as kafka:
            parts = [TopicPartition(f"{service}.events", p) for p in range(PARTITIONS)]
            kafka.assign(parts)
            await kafka.seek_to_beginning()
            ends = await kafka.end_offsets(parts)
            while any([await kafka.position(tp) < end for tp, end in ends.items()]):
                for records in (await kafka.getmany(timeout_ms=200)).values():
                    for event in _events(records):
                        seen = first.get(event.stream_key, 0)
                        assert event.version <= seen + 1, f"{event.event_id} came before its predecessor"
                        first[event.stream_key] = max(seen, event.version)
        versions = await self._rows(service, "SELECT key, version FROM es.stream")
        assert first == dict(versions)

    async def _projection_is_the_fold(self, service: str) -> None:
        (projection,) = DEFINITIONS[service].projections
        done = await rebuild(self.runtimes[service], projection.name, lambda _done, _total: None, swap=False)
        assert done.equal, done

    async def _each_effect_once(self, rounds: int) -> None:
        fees = [(loan, rounds, 100 * rounds) for loan in LOANS]
        assert await self._rows("ingest", "SELECT * FROM read.sums ORDER BY 1") == fees
        tallies = [(loan, rounds, 100 * rounds, rounds) for loan in LOANS]
        assert await self._rows("outreach", "SELECT * FROM read.tallies ORDER BY 1") == tallies
        slept_and_woken = "SELECT version, count(*) FROM es.stream WHERE kind = 'sleepers' GROUP BY 1"
        assert await self._rows("outreach", slept_and_woken) == [(2, rounds * len(LOANS))]
        heard = "SELECT 'outreach/' || position FROM es.event WHERE type = 'LoanJoinedCase' ORDER BY position"
        wanted = [key for (key,) in await self._rows("outreach", heard)]
        asked = list(dict.fromkeys(key for _, key in self.town.provider.asked))
        assert sorted(asked) == sorted(wanted)
        for debtor in {of for of, _ in self.town.provider.asked}:  # of one debtor in order, whatever is repeated
            own = [int(key.partition("/")[2]) for of, key in self.town.provider.asked if of == debtor]
            assert list(dict.fromkeys(own)) == sorted(set(own))


def _events(records: list[Any]) -> Iterator[Recorded]:
    for record in map(raw_record, records):
        if not is_heartbeat(record):
            yield from_own_log(record)


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[Town]:
    with tempfile.TemporaryDirectory(prefix="arrears-kills-") as home:
        async with town(Path(home)) as found:
            yield found


@pytest.fixture(scope="module")
async def witness(world: Town) -> AsyncIterator[Witness]:
    async with AsyncExitStack() as stack:
        bound = {
            name: await stack.enter_async_context(runtime(definition, Settings.read(name, world.environment)))
            for name, definition in DEFINITIONS.items()
        }
        yield Witness(world, bound)


@pytest.fixture(scope="module")
def load() -> Load:
    return Load()


async def test_nothing_is_lost_or_doubled_when_services_die_at_each_failpoint_in_turn(
    world: Town, witness: Witness, load: Load
) -> None:
    async with load.going_on(world.kafka.bootstrap):
        await asyncio.gather(*(world.services[name].die_at(plan) for name, plan in PLAN.items()))
    await witness.settled(load.rounds)
    assert {name: service.deaths for name, service in world.services.items()} == PLAN


async def test_nothing_is_lost_or_doubled_when_the_broker_is_killed(world: Town, witness: Witness, load: Load) -> None:
    for service in world.services.values():
        await service.live()
    async with load.going_on(world.kafka.bootstrap):
        await witness.moving()
        await asyncio.to_thread(world.kill_broker)
        await until_more(load, load.rounds + 3)
    await witness.settled(load.rounds)


async def test_nothing_is_lost_or_doubled_when_the_database_is_killed(
    world: Town, witness: Witness, load: Load
) -> None:
    for service in world.services.values():
        await service.live()
    async with load.going_on(world.kafka.bootstrap):
        await witness.moving()
        await asyncio.to_thread(world.kill_database)
        await until_more(load, load.rounds + 3)
    await witness.settled(load.rounds)


async def until_more(load: Load, rounds: int) -> None:
    async with asyncio.timeout(60):
        while load.rounds < rounds:
            await wait(asyncio.Event(), 0.1)


def test_every_failpoint_was_passed(world: Town) -> None:
    assert world.hits() == FAILPOINTS
    assert {name for plan in PLAN.values() for name in plan} == FAILPOINTS
