"""Plain log lines: the default ones draw every traceback with all locals, which takes seconds on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True, scope="package")
def plain_logs() -> Iterator[None]:
    """Log JSON without drawings for these tests."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])
    yield
    structlog.reset_defaults()
