"""Failpoints: the named places where a test kills a process to prove that nothing is lost or doubled.

`ARREARS_FAILPOINT=name` or `name:n` sends SIGKILL to this process at the n-th hit of that name, so no `finally`
and no buffer flush softens the blow. `ARREARS_FAILPOINT_LOG=directory` leaves one empty file a failpoint at its first
hit, from which CI sees a failpoint that no test reaches. Both are read once, at the first hit.

A supervised process is started again with the same environment and would die again and again. So a service also takes
one-shot orders from a file: with `ARREARS_FAILPOINT_DIR=directory` it looks into `directory/<service>` when it starts and
at every SIGUSR1, and takes away the first line, `name` or `name:n`. Its death leaves `directory/<service>@name`.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
VARIABLES: Final = ("ARREARS_FAILPOINT", "ARREARS_FAILPOINT_LOG", "ARREARS_FAILPOINT_DIR")

Hit = Callable[[str], None]


class UnknownFailpoint(ValueError):
    """A name that is not in FAILPOINTS, in the code or in an order, or a count that is no positive number."""


class NotInProduction(ValueError):
    """A production process was asked to be killed or watched at a failpoint."""


@dataclass(frozen=True, slots=True)
class Order:
    """Die at the n-th hit of a name; `note`, if any, is left behind to say that it was this order that killed."""

    name: str
    at_hit: int
    note: Path | None = None


def failpoint(name: str) -> None:
    """Die here if the environment asks for it. Costs one call when it does not."""
    _hit(name)


def arm(service: str, environ: Mapping[str, str]) -> None:
    """Take orders for `service` from ARREARS_FAILPOINT_DIR, now and at every SIGUSR1; called when a service starts.

    Raises:
        NotInProduction: any of VARIABLES is set in production.
        UnknownFailpoint: as `plan`, or for what an order says.
    """
    _refuse_in_production(environ)
    folder = environ.get("ARREARS_FAILPOINT_DIR", "")
    if not folder:
        return

    def take_order(*_signal: object) -> None:
        global _hit
        text = _taken(Path(folder) / service)
        if text:
            order = parse(text)
            note = Path(folder) / f"{service}@{order.name}"
            _hit = _armed(Order(order.name, order.at_hit, note), _log_of(environ))

    signal.signal(signal.SIGUSR1, take_order)
    take_order()


def plan(environ: Mapping[str, str]) -> Hit:
    """Return what a hit must do under `environ`.

    Raises:
        UnknownFailpoint: ARREARS_FAILPOINT names none of FAILPOINTS, or its count is not a positive number.
        NotInProduction: any of VARIABLES is set in production.
    """
    _refuse_in_production(environ)
    wanted, log = environ.get("ARREARS_FAILPOINT", ""), _log_of(environ)
    if not wanted and log is None:
        return _unarmed
    return _armed(parse(wanted) if wanted else None, log)


def parse(text: str) -> Order:
    """Read `name` or `name:n`.

    Raises:
        UnknownFailpoint: the name is none of FAILPOINTS, or n is not a positive number.
    """
    name, _, count = text.strip().partition(":")
    if name not in FAILPOINTS or not (count or "1").isdecimal() or int(count or "1") < 1:
        raise UnknownFailpoint(f"{text!r}: use name or name:n, one of {', '.join(sorted(FAILPOINTS))}")
    return Order(name, int(count or "1"))


def _refuse_in_production(environ: Mapping[str, str]) -> None:
    named = [name for name in VARIABLES if environ.get(name)]
    if named and environ.get("ARREARS_ENV", "development") == "production":
        raise NotInProduction(
            f"{', '.join(named)}: failpoints kill processes and are for tests; unset it in production"
        )


def _log_of(environ: Mapping[str, str]) -> Path | None:
    log = environ.get("ARREARS_FAILPOINT_LOG", "")
    return Path(log) if log else None


def _taken(file: Path) -> str:
    """Take the first order out of `file` and return it, empty when there is none."""
    try:
        first, *rest = file.read_text("utf-8").splitlines() or [""]
    except FileNotFoundError:
        return ""
    if rest:
        file.write_text("".join(f"{line}\n" for line in rest), "utf-8")
    else:
        file.unlink()
    return first


def _unarmed(name: str) -> None:
    """Do nothing: what every failpoint costs in production."""


def _armed(order: Order | None, log: Path | None) -> Hit:
    hits: Counter[str] = Counter()

    def hit(name: str) -> None:
        if name not in FAILPOINTS:
            raise UnknownFailpoint(f"failpoint {name!r} is not declared in FAILPOINTS")
        hits[name] += 1
        if log is not None and hits[name] == 1:
            log.mkdir(parents=True, exist_ok=True)
            (log / name).touch()
        if order is not None and name == order.name and hits[name] == order.at_hit:
            if order.note is not None:
                order.note.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return hit


def _first_hit(name: str) -> None:
    global _hit
    _hit = plan(os.environ)
    _hit(name)


_hit: Hit = _first_hit
