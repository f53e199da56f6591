"""Wall-clock windows in several time zones at once. Pure.

A person whose zone is uncertain is protected in each candidate zone: an instant must lie in the window of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def usable_zones(names: Iterable[str]) -> tuple[ZoneInfo, ...]:
    """Return the named zones, or none at all if one name is unknown to the time zone database."""
    zones = [_zone(name) for name in names]
    return () if None in zones else tuple(zone for zone in zones if zone is not None)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the calendar date of `at` in `zone`."""
    return at.astimezone(zone).date()


def within(at: datetime, zone: ZoneInfo, opens: time, closes: time) -> bool:
    """Say whether the clock on the wall in `zone` shows a time in `[opens, closes)`."""
    return opens <= at.astimezone(zone).time().replace(tzinfo=None) < closes


def at_local(on: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a wall-clock time; one that a clock change skips is moved on by the gap."""
    return datetime.combine(on, clock, zone).astimezone(UTC)


def next_day(at: datetime, zones: Iterable[ZoneInfo]) -> datetime:
    """Return the first instant at which the calendar date of `at` is over in every zone."""
    return max(at_local(local_day(at, zone) + timedelta(days=1), time(0), zone) for zone in zones)


def next_open(at: datetime, zones: Iterable[ZoneInfo], opens: time, closes: time) -> datetime | None:
    """Return the first instant from `at` on that lies in the window of every zone, None if there is none in a week."""
    candidates, end = tuple(zones), at + timedelta(days=7)
    while at < end:
        moved = max((_opening(at, zone, opens, closes) for zone in candidates), default=at)
        if moved == at:
            return at
        at = moved
    return None


def _opening(at: datetime, zone: ZoneInfo, opens: time, closes: time) -> datetime:
    if within(at, zone, opens, closes):
        return at
    day = local_day(at, zone)
    today = at_local(day, opens, zone)
    return today if today > at else at_local(day + timedelta(days=1), opens, zone)
