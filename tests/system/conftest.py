"""One whole private system for all tests of this folder: every service a process, a virtual clock that only moves on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

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
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The running system; its spans come to the test, but only of traces that a caller asked to be kept."""
    home = tmp_path_factory.mktemp("system")
    with collecting() as traces, pytest.MonkeyPatch.context() as patched:
        # Child processes inherit these from this one.
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.url)
        patched.setenv("OTEL_BSP_SCHEDULE_DELAY", "500")
        patched.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
        wanted = {**os.environ, "ARREARS_CLOCK_START": CLOCK_START}
        said: list[str] = []
        async with own_system(home, wanted, said.append) as own:
            settings = read_settings(own)
            environment = {**os.environ, **child_environment(settings)}
            async with at_the_doors(environment, settings.kafka, traces) as running:
                yield running
