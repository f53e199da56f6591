"""One whole private system for all tests of this folder: every service a process, a virtual clock that only moves on."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from tests.system.running import System, at_the_doors
from tests.system.traces import collecting

from arrears_local.demo import own_system
from arrears_local.plan import child_environment
from arrears_local.settings import read_settings

# The clock only moves on, so modules stand in the order of the dates that real inputs hold: the bank's file (June 2020),
# core banking's messages (2023), our samples (2024). A test without such dates takes the next Monday.
CLOCK_START = "2020-01-06T00:00:00+00:00"


@pytest.fixture(scope="session")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """The running system; its spans come to the test, but only of traces that a caller asked to be kept."""
    with _home(request.session) as home, collecting() as traces, pytest.MonkeyPatch.context() as patched:
        # Child processes inherit these from this one.
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.url)
        patched.setenv("OTEL_BSP_SCHEDULE_DELAY", "500")
        patched.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
        wanted = {**os.environ, "ARREARS_CLOCK_START": CLOCK_START}
        async with own_system(home, wanted, print) as own:
            settings = read_settings(own)
            environment = {**os.environ, **child_environment(settings)}
            async with at_the_doors(environment, settings.kafka, traces) as running:
                yield running


@contextmanager
def _home(session: pytest.Session) -> Iterator[Path]:
    """Yield a folder of its own, where the database's own user can reach; logs of a failed run are left behind."""
    home = Path(mkdtemp(prefix="arrears-system-"))
    yield home
    if session.testsfailed:
        print(f"the system's logs: {home / 'log'}")
        for folder in ("kafka", "postgres"):
            shutil.rmtree(home / folder, ignore_errors=True)
    else:
        shutil.rmtree(home, ignore_errors=True)
