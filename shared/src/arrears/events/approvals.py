"""Four eyes: asked, granted, refused, expired. The service that owns the decision publishes them."""

from __future__ import annotations

from datetime import date
from typing import Literal

from arrears.events.registry import Event, published

_OWNERS = ("ingest", "scoring", "outreach", "legal", "audit")
Subject = Literal[
    "strategy", "waiver", "plan", "settlement", "placement", "visit", "pack", "legal_escalation", "correction"
]


@published(*_OWNERS)
class ApprovalRequested(Event, frozen=True, kw_only=True):
    """Somebody, or the system, asks for a decision that `approvals_needed` people with one of `roles` must grant."""

    approval_id: str
    subject: Subject
    subject_id: str
    requested_by: str
    roles: tuple[str, ...]
    approvals_needed: int
    reason: str
    valid_until: date


@published(*_OWNERS)
class ApprovalGranted(Event, frozen=True, kw_only=True):
    """One person granted it; `complete` once as many as needed have."""

    approval_id: str
    granted_by: str
    role: str
    complete: bool


@published(*_OWNERS)
class ApprovalRefused(Event, frozen=True, kw_only=True):
    """One person refused it, which ends it."""

    approval_id: str
    refused_by: str
    role: str
    reason: str


@published(*_OWNERS)
class ApprovalExpired(Event, frozen=True, kw_only=True):
    """Nobody decided in time, or its subject fell away."""

    approval_id: str
    on: date
    reason: Literal["too_late", "subject_gone"]
