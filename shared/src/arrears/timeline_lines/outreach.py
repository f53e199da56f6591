"""Lines of the events of outreach."""

from __future__ import annotations

from typing import Final

from arrears.events import outreach
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
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
    outreach.LoanBalanceNoted: (
        "催收所用余额：应还 {due_minor:money}，结清 {payoff_minor:money}（{as_of}）",
        "Balance for collection: {due_minor:money} due, payoff {payoff_minor:money} as of {as_of}",
    ),
    outreach.TreatmentAdopted: (
        "案件采用策略 {strategy_id} 第 {version} 版（共 {steps:count} 步）",
        "Case follows strategy {strategy_id} v{version} ({steps:count} steps)",
    ),
    outreach.StepPlanned: (
        "安排第 {step_no} 步：{on} {channel:word}",
        "Step {step_no} planned: {channel:word} on {on}",
    ),
    outreach.StepTried: ("第 {step_no} 步尝试：{result:word}", "Step {step_no} tried: {result:word}"),
    outreach.StepDone: ("第 {step_no} 步结束：{outcome:word}", "Step {step_no} done: {outcome:word}"),
    outreach.ContactPointNoted: (
        "记录联系方式：{kind:word}（{owner:word}）",
        "Contact point noted: {kind:word} of the {owner:word}",
    ),
    outreach.ContactsStopped: ("停止联系债务人：{reason:word}", "No more contact with the debtor: {reason:word}"),
    outreach.ContactsAllowed: ("可以联系债务人", "Contact with the debtor may be asked for"),
    outreach.PromisePaymentMatched: (
        "一笔还款计入承诺（起息日 {value_on}）",
        "A repayment counts towards the promise, value date {value_on}",
    ),
    outreach.PromisePaymentUnmatched: (
        "计入承诺的还款被冲正（{on}）",
        "A repayment that counted towards the promise was taken back ({on})",
    ),
    outreach.PromisePartMet: ("承诺第 {no} 期已履行", "Part {no} of the promise met"),
    outreach.PromiseReinstated: ("承诺恢复有效：{cause:word}", "Promise stands again: {cause:word}"),
}
