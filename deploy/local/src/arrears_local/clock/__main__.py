"""Run the virtual clock: `python -m arrears_local.clock`. It starts at ARREARS_CLOCK_START, or at the real time."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from arrears_local.clock.app import ClockProcess, clock_app
from arrears_local.development import home, refuse_in_production, serve
from arrears_local.refusals import LocalRefusal


def main() -> int:
    """Serve until stopped; return the exit code of a refusal."""
    try:
        refuse_in_production(os.environ, "the virtual clock")
        serve(
            clock_app(ClockProcess(_start(os.environ.get("ARREARS_CLOCK_START")), home(os.environ) / "clock")),
            os.environ.get("ARREARS_CLOCK_URL", "http://127.0.0.1:8210"),
        )
    except LocalRefusal as refusal:
        print(f"{refusal.message}; {refusal.remedy}", file=sys.stderr)
        return refusal.exit_code
    return 0


def _start(text: str | None) -> datetime:
    if not text:
        return datetime.now(UTC)  # noqa: TID251  (where the virtual time begins)
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise LocalRefusal(
            f"ARREARS_CLOCK_START={text!r} is no instant", "use e.g. 2026-01-05T08:00:00+00:00"
        ) from error
    if start.tzinfo is None:
        raise LocalRefusal(f"ARREARS_CLOCK_START={text!r} has no zone", "end it with +00:00 or another offset")
    return start


if __name__ == "__main__":
    sys.exit(main())
