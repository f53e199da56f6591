"""One real development issuer; every test checks with a verifier of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from arrears_local.issuer.running import RunningIssuer, running_issuer


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[RunningIssuer]:
    """An issuer whose key the test holds."""
    async with running_issuer() as running:
        yield running
