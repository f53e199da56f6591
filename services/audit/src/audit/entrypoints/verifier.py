"""The verifier: a task of the role consumer that runs the four use cases in turn, one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import Gauge

from arrears.eventstore.work import Cause, Work
from arrears.followers import forever
from arrears.recorded import Actor
from arrears.runtime import Runtime
from arrears.tree.keys import PublicKeys
from arrears.tree.sealer import key_of
from audit.adapters.heads_topic import HeadsTopic
from audit.adapters.memory import PostgresMemory
from audit.domain.checkpoint import Checkpoint, Command, ReportViolation, Violation, checkpoint_of
from audit.projections.copy import SERVICES
from audit.use_cases.check_copy import check_copy
from audit.use_cases.find_missing import Suspects
from audit.use_cases.sign_checkpoint import sign_checkpoint
from audit.use_cases.verify_heads import verify_heads

_POLL_MS: Final = 1_000
_BACKSTEP: Final = timedelta(minutes=5)
_VERIFIED = Gauge("arrears_audit_verified_events", "Events of a log that a head found right covers", ["log"])
_VIOLATIONS = Gauge("arrears_audit_violations", "Violations found in a log", ["log"])
_CAUSE: Final = Cause(Actor(kind="system", id="audit"))


class CheckpointStreams:
    """Implements the port `Checkpoints` on audit's own log."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def state(self, service: str) -> Checkpoint:
        work = self._runtime.store.work(self._runtime.clock.now())
        return await work.state(checkpoint_of(service))

    async def execute(self, service: str, command: Command) -> None:
        async def handle(work: Work) -> None:
            await work.execute(checkpoint_of(service), command, _CAUSE)

        await self._runtime.commands.run(handle)


class Verifier:
    """Everything that one pass over the logs needs."""

    def __init__(self, runtime: Runtime, keys: PublicKeys, witness: Ed25519PrivateKey) -> None:
        self.memory = PostgresMemory(runtime.database)
        self.checkpoints = CheckpointStreams(runtime)
        self._runtime = runtime
        self._keys = keys
        self._witness = witness
        self._suspects = Suspects()
        self._services = frozenset(SERVICES)
        # The virtual clock jumps by days, and reaches two writers of one log at different moments.
        self._backstep = None if runtime.settings.clock == "virtual" else _BACKSTEP

    async def turn(self, topic: HeadsTopic) -> None:
        """Check what has been copied, judge the heads, sign what is due, and look for what is missing."""
        consumed = await self.memory.consumed()
        for service in SERVICES:
            while await check_copy(service, self.memory, self._report, self._services, self._backstep):
                pass
            await verify_heads(service, self.memory, self._keys, self._report)
            await sign_checkpoint(service, self.memory, self.checkpoints, self._witness, self._runtime.clock.now())
        await self._suspects.look(SERVICES, self.memory, consumed, topic.ends, self._report)
        await self._measure()

    async def _measure(self) -> None:
        for service in SERVICES:
            _VERIFIED.labels(service).set((await self.memory.progress(service)).verified)
            _VIOLATIONS.labels(service).set(len((await self.checkpoints.state(service)).violations))

    async def _report(self, service: str, violation: Violation) -> None:
        await self.checkpoints.execute(service, ReportViolation(service, violation, self._runtime.clock.now()))


def verifier_task(runtime: Runtime, keys: PublicKeys) -> Callable[[], Awaitable[None]]:
    """Return the task that verifies until cancelled; of several replicas one leads."""
    verifier = Verifier(runtime, keys, key_of(runtime.settings))

    async def lead() -> None:
        session = await runtime.database.session()
        topic = HeadsTopic(runtime.settings.kafka, verifier.memory)
        try:
            while not await session.fetchval("SELECT pg_try_advisory_lock(hashtext('audit.verifier'))"):  # noqa: ASYNC110
                await asyncio.sleep(1)
            await topic.start()
            while True:
                await topic.receive(_POLL_MS)
                await verifier.turn(topic)
        finally:
            await topic.stop()
            await session.close()

    return lambda: forever("audit-verifier", lead)
