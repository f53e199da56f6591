"""Lines of the events of ingest."""

from __future__ import annotations

from typing import Final

from arrears.events import ingest
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
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
    ingest.BusinessDayClosed: (
        "营业日 {business_date} 已结（{calendar_id}）",
        "Business day {business_date} closed ({calendar_id})",
    ),
    ingest.DebtorUpdated: ("债务人资料更新", "Debtor's data updated"),
    ingest.RepaymentReallocated: (
        "还款 {amount_minor:money} 重新分配（{cause:word}，{as_of}）",
        "Repayment of {amount_minor:money} allocated anew ({cause:word}) as of {as_of}",
    ),
    ingest.FileImported: (
        "文件导入完成（{format}）：{entries} 条，入账 {applied} 条，未匹配 {unmatched} 条",
        "File imported ({format}): {entries} entries, {applied} applied, {unmatched} unmatched",
    ),
}
