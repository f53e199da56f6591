"""A line of the timeline: its text, its business date, and whether we learned of it late."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tests.console.story import NINE, story

from console.domain.entry import StoredEvent, entry_of


def stored(number: int) -> StoredEvent:
    event = story()[number]
    return StoredEvent(
        event.event_id, event.debtor_id, event.source, event.type, event.schema_version, event.stream_key,
        event.occurred_at, event.recorded_at, event.meta.effective_on, event.meta.causation,
        f"{event.meta.actor.kind}:{event.meta.actor.id}", event.raw_data,
    )  # fmt: skip


def test_an_event_reads_in_both_languages() -> None:
    assert entry_of(stored(2), "en").text == "Loan overdue: 1 days past due, bucket M1, 1,065.80 CNY due"
    assert entry_of(stored(2), "zh").text == "贷款逾期 1 天，账龄 M1，应还 1,065.80 元"


def test_the_business_date_is_the_effective_one_or_the_events_own() -> None:
    assert entry_of(stored(8), "en").business_date == date(2026, 3, 6)
    assert entry_of(stored(2), "en").business_date == date(2026, 3, 3)
    assert entry_of(stored(4), "en").business_date is None


def test_what_was_learned_late_says_by_how_much() -> None:
    assert entry_of(stored(2), "en").late_by is None
    assert entry_of(stored(8), "en").late_by == timedelta(days=5)
    slow = replace(stored(4), recorded_at=NINE + timedelta(days=1, hours=3))
    assert entry_of(slow, "en").late_by == timedelta(hours=3)


def test_what_this_release_cannot_read_is_named() -> None:
    assert entry_of(replace(stored(2), type="InventedLater"), "zh").text == "InventedLater"
    assert entry_of(replace(stored(2), data=b"{}"), "zh").text == "LoanOverdue"


def test_what_only_programs_need_is_quiet() -> None:
    assert entry_of(stored(3), "en").routine
    assert not entry_of(stored(2), "en").routine
