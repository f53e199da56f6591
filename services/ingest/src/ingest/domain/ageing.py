"""Days past due, delinquent days, buckets, and the dates at which they change (domain notes §4). Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, get_args

from arrears.events.ingest import Bucket

BUCKETS: Final[tuple[Bucket, ...]] = get_args(Bucket)
_LAST: Final = len(BUCKETS) - 1
REMINDER_DAYS: Final = 3
"""An instalment is announced this many days before it falls due."""


def days_past_due(oldest_due_on: date | None, on: date) -> int:
    """Return the calendar days since the oldest unpaid instalment fell due; the day after the due date is 1."""
    return max(0, (on - oldest_due_on).days) if oldest_due_on else 0


def delinquent_days(past_due: int, grace_days: int) -> int:
    """Return days past due beyond the grace; grace decides how the loan is treated, not what is owed."""
    return max(0, past_due - grace_days)


def bucket(past_due: int) -> Bucket:
    """M0 at 0, Mk for days 30k-29 to 30k, M7P above 180."""
    return BUCKETS[min(_LAST, -(-past_due // 30))]


def next_bucket_on(oldest_due_on: date, after: date) -> date | None:
    """Return the first date after `after` at which a loan unpaid since `oldest_due_on` enters a later bucket."""
    past = max(0, (after - oldest_due_on).days)
    steps = -(-past // 30)
    if steps >= _LAST:
        return None
    return oldest_due_on + timedelta(days=30 * steps + 1)
