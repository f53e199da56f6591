"""What can go wrong at the log."""

from __future__ import annotations


class StreamVersionConflict(Exception):
    """Somebody else appended to a touched stream first; reload it and decide again."""


class CorruptStream(Exception):
    """A stored stream cannot be folded: an event cannot follow the ones before it."""
