"""Lines of the events of corebanking."""

from __future__ import annotations

from typing import Final

from arrears.events import corebanking
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
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
    corebanking.InstalmentFellDue: (
        "核心系统：贷款 {loan_ref} 第 {instalment.no} 期于 {instalment.due_on} 到期",
        "Core banking: instalment {instalment.no} of loan {loan_ref} fell due on {instalment.due_on}",
    ),
    corebanking.DelinquencyReported: (
        "核心系统：贷款 {loan_ref} 逾期 {overdue_minor:money}（{business_on}）",
        "Core banking: {overdue_minor:money} overdue on loan {loan_ref} on {business_on}",
    ),
}
