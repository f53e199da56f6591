"""Lines of the events of legal."""

from __future__ import annotations

from typing import Final

from arrears.events import legal
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
    legal.EscalatedToLegal: (
        "移交法务：{route:word}，诉求本金 {claim.principal_minor:money}（审批人 {approved_by:list}）",
        "Escalated to legal: {route:word}, principal claimed {claim.principal_minor:money} (approved by {approved_by:list})",
    ),
    legal.LegalCaseClosed: ("法务案件结束：{outcome:word}", "Legal case closed: {outcome:word}"),
    legal.ClaimBalanceChanged: ("可诉余额变更（截至 {as_of}）", "Claimable balance changed as of {as_of}"),
    legal.ClaimExtinguished: ("该笔债权已清偿（{on}）", "Nothing left to claim on this loan ({on})"),
    legal.DebtReferred: ("债务提交法务", "Debt referred to legal"),
    legal.DebtReleased: ("法务不再处理该债务", "Debt released by legal"),
    legal.EscalationProposed: (
        "提议移交法务：预计净回收 {expected_net_minor:money}，成本 {cost_minor:money}（{reasons:list}）",
        "Escalation proposed: expected net {expected_net_minor:money}, cost {cost_minor:money} ({reasons:list})",
    ),
    legal.ClaimReduced: ("还款冲减诉求（{on}）", "Claim reduced by a repayment ({on})"),
    legal.ClaimRestored: ("还款冲正，诉求恢复（{on}）", "Claim restored, the repayment was taken back ({on})"),
}
