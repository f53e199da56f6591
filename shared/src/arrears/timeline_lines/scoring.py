"""Lines of the events of scoring."""

from __future__ import annotations

from typing import Final

from arrears.events import scoring
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
    scoring.DebtorScored: (
        "评分 {band} 级（模型 {model_id} 第 {model_version} 版），30 天内还款概率 {p_pay_30d}",
        "Scored {band} by model {model_id} v{model_version}, chance of paying in 30 days {p_pay_30d}",
    ),
    scoring.SegmentAssigned: (
        "划入客群：{segment:word}（还款意愿{willingness:word}，还款能力{ability:word}）",
        "Segment: {segment:word} (willingness {willingness:word}, ability {ability:word})",
    ),
    scoring.TreatmentSelected: (
        "选定策略 {strategy_id} 第 {version} 版（分组 {arm}，共 {steps:count} 步）",
        "Strategy {strategy_id} v{version} selected (arm {arm}, {steps:count} steps)",
    ),
    scoring.EscalationRecommended: (
        "建议升级处理：{target:word}（{reasons:list}）",
        "Escalation recommended: {target:word} ({reasons:list})",
    ),
    scoring.DelinquencyObserved: (
        "评估取数：逾期 {overdue_minor:money}，{days_past_due} 天",
        "Noted for scoring: {overdue_minor:money} overdue, {days_past_due} days past due",
    ),
    scoring.BehaviourObserved: ("行为计入评分：{kind:word}", "Counted for scoring: {kind:word}"),
    scoring.AssessmentEnded: (
        "本次逾期评估结束，尚有 {open_loans} 笔逾期",
        "Assessment of this episode ended, {open_loans} loans still overdue",
    ),
}
