"""What can go wrong before or while the local system runs: each refusal says what is wrong and what to do."""

from __future__ import annotations


class LocalRefusal(Exception):
    """Something a person must know. `remedy` is the next step; `exit_code` is the command's (architecture §7)."""

    exit_code = 1

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class DependencyDown(LocalRefusal):
    """A broker, database, registry or process that is needed does not answer."""

    exit_code = 6


class JarsUnavailable(DependencyDown):
    """The broker's jars are neither in the cache nor to be had from the registry."""


class JarRefused(LocalRefusal):
    """A jar's bytes are not the pinned ones."""

    exit_code = 4


class PreflightFailed(DependencyDown):
    """The machine cannot run the system now: a port is taken, the disk is full, a wheel is missing."""


class StartFailed(DependencyDown):
    """A process ended or stayed silent before it was ready."""


class NotRunning(DependencyDown):
    """Nothing is up under this home."""


class AlreadyRunning(LocalRefusal):
    """Another supervisor holds this home."""
