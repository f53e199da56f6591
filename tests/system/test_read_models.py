"""After the journeys: every read model of every service is what a rebuild from the logs gives, to the row."""

from __future__ import annotations

import pytest
from tests.system.running import System

from arrears.rebuild import Rebuilt, rebuild
from arrears.service import runtime
from arrears.settings import PORTS, Settings
from arrears_local.cli.operations import definition_of


@pytest.mark.parametrize("service", PORTS)
async def test_a_rebuild_gives_the_same_rows(system: System, service: str) -> None:
    await system.quiet()
    definition, done = definition_of(service), list[Rebuilt]()
    async with runtime(definition, Settings.read(service, system.environment)) as bound:
        for projection in definition.projections:
            done.append(await rebuild(bound, projection.name, lambda _done, _total: None, swap=False))
    assert [one for one in done if not one.equal] == []
    assert sum(one.old_rows for one in done) > 0
