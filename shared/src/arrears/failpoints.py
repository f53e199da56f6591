"""Failpoints: the named places where a test kills a process to prove that nothing is lost or doubled.

`ARREARS_FAILPOINT=name` or `name:n` sends SIGKILL to this process at the n-th hit of that name, so no `finally`
and no buffer flush softens the blow. `ARREARS_FAILPOINT_LOG=directory` leaves one empty file a failpoint at its first
hit, from which CI sees a failpoint that no test reaches. Both are read once, at the first hit.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

FAILPOINTS: Final = frozenset({
    "consumer.before_receive",
    "consumer.after_receive",
    "consumer.after_begin",
    "append.before",
    "append.after",
    "commit.before",
    "commit.after",
    "relay.before_produce",
    "relay.after_ack",
    "relay.after_checkpoint",
    "projection.before_commit",
    "projection.after_commit",
    "timer.after_begin",
    "timer.after_commit",
    "provider.before_call",
    "provider.after_call",
})  # fmt: skip


class UnknownFailpoint(ValueError):
    """A name that is not in FAILPOINTS, in the code or in the environment, or a count that is no positive number."""


def failpoint(name: str) -> None:
    """Die here if the environment asks for it. Costs one call when it does not."""
    _hit(name)


def _unarmed(name: str) -> None:
    """Do nothing: what every failpoint costs in production."""


def plan(environ: Mapping[str, str]) -> Callable[[str], None]:
    """Return what a hit must do under `environ`.

    Raises:
        UnknownFailpoint: ARREARS_FAILPOINT names none of FAILPOINTS, or its count is not a positive number.
    """
    wanted, log = environ.get("ARREARS_FAILPOINT", ""), environ.get("ARREARS_FAILPOINT_LOG", "")
    if not wanted and not log:
        return _unarmed
    name, _, count = wanted.partition(":")
    if wanted and (name not in FAILPOINTS or not (count or "1").isdecimal() or int(count or "1") < 1):
        raise UnknownFailpoint(
            f"ARREARS_FAILPOINT={wanted!r}: use name or name:n, one of {', '.join(sorted(FAILPOINTS))}"
        )
    return _armed(name, int(count or "1"), Path(log) if log else None)


def _armed(target: str, deadly_hit: int, log: Path | None) -> Callable[[str], None]:
    hits: Counter[str] = Counter()

    def hit(name: str) -> None:
        if name not in FAILPOINTS:
            raise UnknownFailpoint(f"failpoint {name!r} is not declared in FAILPOINTS")
        hits[name] += 1
        if log is not None and hits[name] == 1:
            log.mkdir(parents=True, exist_ok=True)
            (log / name).touch()
        if name == target and hits[name] == deadly_hit:
            os.kill(os.getpid(), signal.SIGKILL)

    return hit


def _first_hit(name: str) -> None:
    global _hit
    _hit = plan(os.environ)
    _hit(name)


_hit: Callable[[str], None] = _first_hit
