"""What audit says about a log: a checkpoint once a minute, a violation once, and no signature under a spoiled log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from arrears.events.audit import AuditCheckpointSigned, IntegrityViolationFound
from arrears.events.ingest import LoanCured
from arrears.events.registry import Event, event_types
from arrears.eventstore.errors import CorruptStream
from arrears.testing.specification import Specification
from audit.domain.checkpoint import (
    CHECKPOINT,
    MAX_VIOLATIONS,
    Checkpoint,
    ReportViolation,
    SignCheckpoint,
    Violation,
    checkpoint_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
checkpoint = Specification(CHECKPOINT)


def sign(size: int, at: datetime) -> SignCheckpoint:
    return SignCheckpoint("ingest", size, "ab", "cd", NOON, "ef", at)


def signed(size: int, at: datetime) -> AuditCheckpointSigned:
    return AuditCheckpointSigned(
        service="ingest", tree_size=size, root_hash="ab", head_signature="cd", witness_signature="ef", signed_at=at,
        head_signed_at=NOON,
    )  # fmt: skip


def found(position: int) -> IntegrityViolationFound:
    return IntegrityViolationFound(
        service="ingest", kind="hash_mismatch", position=position, stream_key="loan/1", detail="differs", found_at=NOON
    )


def report(position: int) -> ReportViolation:
    violation = Violation(kind="hash_mismatch", position=position, stream_key="loan/1", detail="differs")
    return ReportViolation("ingest", violation, NOON)


def test_the_first_head_is_signed() -> None:
    checkpoint.given().when(sign(5, NOON)).then(signed(5, NOON))


def test_a_grown_tree_is_signed_a_minute_later_and_not_before() -> None:
    before = checkpoint.given(signed(5, NOON))
    before.when(sign(6, NOON + timedelta(seconds=59))).then()
    before.when(sign(6, NOON + timedelta(minutes=1))).then(signed(6, NOON + timedelta(minutes=1)))


def test_a_tree_that_did_not_grow_is_not_signed_again() -> None:
    checkpoint.given(signed(5, NOON)).when(sign(5, NOON + timedelta(days=1))).then()


def test_a_violation_is_reported_once() -> None:
    state = checkpoint.given().when(report(3)).then(found(3))
    assert state.violations[0].position == 3
    checkpoint.given(found(3)).when(report(3)).then()
    checkpoint.given(found(3)).when(report(4)).then(found(4))


def test_nothing_is_signed_under_a_spoiled_log() -> None:
    checkpoint.given(signed(5, NOON), found(7)).when(sign(9, NOON + timedelta(hours=1))).then()


def test_a_rotten_log_does_not_fill_ours() -> None:
    checkpoint.given(*(found(i) for i in range(MAX_VIOLATIONS))).when(report(MAX_VIOLATIONS + 1)).then()


def test_a_checkpoint_belongs_to_no_debtor() -> None:
    ref = checkpoint_of("legal")
    assert (ref.key, ref.debtor_id, ref.partition) == ("checkpoint/legal", "log/legal", 0)


@pytest.mark.parametrize("event", [signed(5, NOON), found(3)], ids=lambda event: type(event).__name__)
def test_every_event_of_the_stream_is_folded(event: Event) -> None:
    assert CHECKPOINT.evolve(Checkpoint(), event) != Checkpoint()


def test_an_event_of_another_stream_is_a_corrupt_stream() -> None:
    cured = LoanCured(loan_id="l", episode_id="e", cured_on=NOON.date(), days_past_due_max=1, cured_by="self")
    with pytest.raises(CorruptStream):
        CHECKPOINT.evolve(Checkpoint(), cured)


def test_audit_publishes_what_the_stream_folds() -> None:
    names = {kind.name for kind in event_types() if kind.owner == "audit" and not kind.name.startswith("Approval")}
    assert names == {"AuditCheckpointSigned", "IntegrityViolationFound"}
