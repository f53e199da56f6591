"""One human-readable line an event, in Chinese and English. Pure.

A template names the event's fields; the part behind the colon says how a field reads: `money` in the event's own
currency, `word` through the vocabulary of codes, `list` joined, `parts` as dated amounts, `id` shortened. Texts belong
to code and not to the log, so that old events read in any language and better wording reaches the past too.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final, Literal

from arrears.events import approvals, audit, corebanking, ingest, legal, outreach, scoring
from arrears.events.registry import Event
from arrears.timeline_words import word
from arrears.values.money import to_major

Lang = Literal["zh", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = ("zh", "en")

_INGEST: Final[dict[type[Event], tuple[str, str]]] = {
    ingest.DebtorRegistered: (
        "登记债务人，来源 {source}，客户号 {customer_ref}",
        "Debtor registered from {source}, customer reference {customer_ref}",
    ),
    ingest.ContactPointAdded: (
        "新增联系方式：{kind:word}（{owner:word}，来源：{source:word}）",
        "Contact point added: {kind:word} of the {owner:word}, from {source:word}",
    ),
    ingest.LoanImported: (
        "贷款入账 {external_ref}：本金 {principal_minor:money}，{disbursed_on} 放款，{maturity_on} 到期",
        "Loan {external_ref} booked: principal {principal_minor:money}, paid out {disbursed_on}, matures {maturity_on}",
    ),
    ingest.InstallmentScheduled: (
        "还款计划第 {no} 期：{due_on} 到期（第 {schedule_version} 版）",
        "Instalment {no} falls due on {due_on} (schedule version {schedule_version})",
    ),
    ingest.InstallmentDueSoon: (
        "第 {no} 期将于 {due_on} 到期，还有 {days_to_due} 天",
        "Instalment {no} falls due on {due_on}, in {days_to_due} days",
    ),
    ingest.RepaymentReceived: (
        "收到还款 {amount_minor:money}（{channel:word}，{payer_kind:word}，起息日 {value_on}）",
        "Repayment of {amount_minor:money} received by {channel:word} from the {payer_kind:word}, value date {value_on}",
    ),
    ingest.RepaymentReversed: (
        "还款 {amount_minor:money} 被冲正（{reason:word}，起息日 {value_on}）",
        "Repayment of {amount_minor:money} reversed ({reason:word}), value date {value_on}",
    ),
    ingest.FeeCharged: (
        "收取费用 {amount_minor:money}（{kind:word}，合同条款 {contract_clause}）",
        "Fee of {amount_minor:money} charged ({kind:word}, clause {contract_clause})",
    ),
    ingest.LoanOverdue: (
        "贷款逾期 {days_past_due} 天，账龄 {bucket}，应还 {total_due_minor:money}",
        "Loan overdue: {days_past_due} days past due, bucket {bucket}, {total_due_minor:money} due",
    ),
    ingest.DelinquencyBucketChanged: (
        "账龄由 {from_bucket} 变为 {to_bucket}，逾期 {days_past_due} 天（{cause:word}）",
        "Bucket moved from {from_bucket} to {to_bucket}, {days_past_due} days past due ({cause:word})",
    ),
    ingest.LoanCured: (
        "逾期已结清（{cured_by:word}），最长逾期 {days_past_due_max} 天",
        "Loan cured ({cured_by:word}), at most {days_past_due_max} days past due",
    ),
    ingest.LoanBalanceChanged: (
        "余额变更：{as_of} 结清金额 {payoff_minor:money}",
        "Balance changed: payoff {payoff_minor:money} as of {as_of}",
    ),
    ingest.HostDivergenceDetected: (
        "与核心系统不一致：{field} 核心为 {host_value}，本方为 {own_value}",
        "Core banking differs: {field} is {host_value} there and {own_value} here",
    ),
    ingest.UnmatchedReceiptOpened: (
        "来款 {amount_minor:money} 无法匹配，附言 {reference}（{reason:word}）",
        "Receipt of {amount_minor:money} with reference {reference} matches no loan ({reason:word})",
    ),
    ingest.BusinessDayClosed: ("营业日 {business_date} 已结（{calendar_id}）", "Business day {business_date} closed ({calendar_id})"),
}  # fmt: skip

_SCORING: Final[dict[type[Event], tuple[str, str]]] = {
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

_OUTREACH: Final[dict[type[Event], tuple[str, str]]] = {
    outreach.CaseOpened: (
        "催收案件开立，阶段 {stage}，逾期合计 {total_overdue_minor:money}",
        "Collection case opened at stage {stage}, {total_overdue_minor:money} overdue",
    ),
    outreach.LoanJoinedCase: ("贷款 {loan_id:id} 并入案件", "Loan {loan_id:id} joined the case"),
    outreach.LoanLeftCase: ("贷款 {loan_id:id} 移出案件", "Loan {loan_id:id} left the case"),
    outreach.CaseHeld: ("案件暂停催收：{reason:word}", "Case on hold: {reason:word}"),
    outreach.CaseReleased: ("案件恢复催收：{reason:word} 已解除", "Hold released: {reason:word}"),
    outreach.CaseClosed: ("案件关闭：{reason:word}", "Case closed: {reason:word}"),
    outreach.ContactPermitted: (
        "允许联系：{channel:word}（{purpose:word}，规则包 {pack_version}，当地时间 {local_time}）",
        "Contact permitted by {channel:word} ({purpose:word}, pack {pack_version}, local time {local_time})",
    ),
    outreach.ContactBlocked: (
        "禁止联系：{channel:word}，{reason_code:word}（规则 {rule_id}，规则包 {pack_version}）",
        "Contact blocked: {channel:word}, {reason_code:word} (rule {rule_id}, pack {pack_version})",
    ),
    outreach.ContactAttempted: (
        "联系（{direction:word}）：{channel:word}，结果：{disposition:word}",
        "Contact ({direction:word}) by {channel:word}: {disposition:word}",
    ),
    outreach.ContactReleased: ("联系许可未使用：{reason:word}", "Permit not used: {reason:word}"),
    outreach.MessageDelivered: ("消息回执：{receipt:word}", "Message receipt: {receipt:word}"),
    outreach.PromiseMade: (
        "承诺还款 {total_minor:money}：{parts:parts}（{made_by:word}，记录人 {taken_by}）",
        "Promise to pay {total_minor:money}: {parts:parts} (by the {made_by:word}, taken by {taken_by})",
    ),
    outreach.PromiseKept: ("承诺已履行", "Promise kept"),
    outreach.PromisePartlyKept: ("承诺部分履行", "Promise partly kept"),
    outreach.PromiseBroken: ("承诺未履行（截至 {as_of}）", "Promise broken (as of {as_of})"),
    outreach.PromiseCancelled: ("承诺作废：{reason:word}", "Promise cancelled: {reason:word}"),
    outreach.TreatmentExhausted: (
        "策略 {strategy_id} 第 {version} 版已执行完毕（共 {last_step} 步），债务未清",
        "Strategy {strategy_id} v{version} exhausted after step {last_step}, the debt stands",
    ),
}

_LEGAL: Final[dict[type[Event], tuple[str, str]]] = {
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
}  # fmt: skip

_APPROVALS: Final[dict[type[Event], tuple[str, str]]] = {
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

_AUDIT: Final[dict[type[Event], tuple[str, str]]] = {
    audit.AuditCheckpointSigned: (
        "审计见证：{service} 日志前 {tree_size} 条核对无误并已签名",
        "Audit checkpoint: the first {tree_size} events of {service} checked and countersigned",
    ),
    audit.IntegrityViolationFound: (
        "发现日志完整性问题：{service} 第 {position} 条，{kind:word}",
        "Integrity violation: {service} at position {position}, {kind:word}",
    ),
}

_COREBANKING: Final[dict[type[Event], tuple[str, str]]] = {
    corebanking.LoanBooked: (
        "核心系统：贷款 {loan_ref} 放款 {principal_minor:money}",
        "Core banking: loan {loan_ref} booked, principal {principal_minor:money}",
    ),
    corebanking.ScheduleChanged: (
        "核心系统：贷款 {loan_ref} 还款计划变更，{effective_on} 生效",
        "Core banking: schedule of loan {loan_ref} changed as of {effective_on}",
    ),
    corebanking.RepaymentPosted: (
        "核心系统：贷款 {loan_ref} 入账 {amount_minor:money}（{channel:word}，起息日 {value_on}）",
        "Core banking: {amount_minor:money} posted to loan {loan_ref} by {channel:word}, value date {value_on}",
    ),
    corebanking.RepaymentReversed: (
        "核心系统：贷款 {loan_ref} 入账 {posting_ref} 冲正（{reason:word}）",
        "Core banking: posting {posting_ref} of loan {loan_ref} reversed ({reason:word})",
    ),
    corebanking.FeePosted: (
        "核心系统：贷款 {loan_ref} 收费 {amount_minor:money}（{kind:word}）",
        "Core banking: fee of {amount_minor:money} on loan {loan_ref} ({kind:word})",
    ),
    corebanking.DebtorChanged: (
        "核心系统：客户 {customer_ref} 资料变更",
        "Core banking: data of customer {customer_ref} changed",
    ),
}

TEXTS: Final[dict[type[Event], tuple[str, str]]] = {
    **_INGEST, **_SCORING, **_OUTREACH, **_LEGAL, **_APPROVALS, **_AUDIT, **_COREBANKING,
}  # fmt: skip


def line(event: Event, lang: Lang) -> str:
    """Return the event as one line for people; a type without a text is shown by its name, so no page ever breaks."""
    texts = TEXTS.get(type(event))
    if texts is None:
        return type(event).__name__
    return _Reader(event, lang).format(texts[LANGUAGES.index(lang)])


def amount(amount_minor: int, currency: str, lang: Lang) -> str:
    """Return an amount of money for people: grouped major units with the currency."""
    major = f"{to_major(amount_minor, currency):,}"
    return f"{major} 元" if lang == "zh" and currency == "CNY" else f"{major} {currency}"


class _Reader(string.Formatter):
    """Formats the fields of one event for one language."""

    def __init__(self, event: Event, lang: Lang) -> None:
        self._event = event
        self._lang = lang

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Any) -> tuple[Any, str]:
        value: Any = self._event
        for step in field_name.split("."):
            value = getattr(value, step)
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "money":
                return self._money(value)
            case "word":
                return word(value, self._lang)
            case "list":
                return ("、" if self._lang == "zh" else ", ").join(word(each, self._lang) for each in value)
            case "parts":
                joint = "；" if self._lang == "zh" else "; "
                return joint.join(f"{part.due_on} {self._money(part.amount_minor)}" for part in value)
            case "count":
                return str(len(value))
            case "id":
                return str(value)[:8]
            case _:
                return str(value)

    def _money(self, amount_minor: int) -> str:
        currency: str = getattr(self._event, "currency")  # noqa: B009  (only events with a currency name money)
        return amount(amount_minor, currency, self._lang)
