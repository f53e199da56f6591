"""Lines of the events of approvals."""

from __future__ import annotations

from typing import Final

from arrears.events import approvals
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
    approvals.ApprovalRequested: (
        "申请审批：{subject:word}，需 {approvals_needed} 人同意，{valid_until} 前有效（申请人 {requested_by}）",
        "Approval asked: {subject:word}, {approvals_needed} needed until {valid_until} (by {requested_by})",
    ),
    approvals.ApprovalGranted: ("审批同意：{granted_by}（{role:word}）", "Approved by {granted_by} ({role:word})"),
    approvals.ApprovalRefused: (
        "审批驳回：{refused_by}（{role:word}），理由：{reason}",
        "Refused by {refused_by} ({role:word}): {reason}",
    ),
    approvals.ApprovalExpired: ("审批失效：{reason:word}", "Approval lapsed: {reason:word}"),
}
