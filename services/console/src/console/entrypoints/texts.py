"""The words of the pages, Chinese and English; a test finds what is missing and what no template uses."""

from __future__ import annotations

from typing import Final

from arrears.timeline_texts import Lang

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "debtors": ("债务人", "Debtors"),
    "search": ("查找", "Search"),
    "search_label": (
        "贷款编号、客户号或债务人编号（可只输入开头）",
        "Loan, customer or debtor reference, or its beginning",
    ),
    "search_clear": ("清除", "Clear"),
    "customer": ("客户号", "Customer"),
    "debtor": ("债务人", "Debtor"),
    "loans": ("贷款", "Loans"),
    "loan": ("贷款", "Loan"),
    "bucket": ("账龄", "Bucket"),
    "dpd": ("逾期天数", "Days past due"),
    "owed": ("结清金额", "Payoff"),
    "case": ("案件", "Case"),
    "product": ("产品", "Product"),
    "next_page": ("下一页", "Next page"),
    "first_page": ("回到开头", "Back to the start"),
    "none_found": ("没有符合条件的债务人。", "No debtor fits."),
    "none_found_hint": (
        "只匹配编号的开头，区分大小写。",
        "Only the beginning of a reference is matched, and case matters.",
    ),
    "none_yet": ("还没有债务人。", "There are no debtors yet."),
    "none_yet_hint": (
        "核心系统或文件中的贷款入账后，会在这里出现。",
        "They appear here once core banking or a file brings their loans.",
    ),
    "timeline": ("时间线", "Timeline"),
    "events": ("条事件", "events"),
    "all": ("全部", "All"),
    "order_note": (
        "各服务之间没有统一顺序：按事件时间、记录时间排列，同一时刻先账务、评分、催收、法务；同一服务内按日志位置。",
        "There is no order across services: lines stand by event time, record time, and then along the way of a debt.",
    ),
    "newest_first": ("新的在前", "Newest first"),
    "oldest_first": ("旧的在前", "Oldest first"),
    "time": ("事件时间", "Event time"),
    "business_date": ("业务日期", "Business date"),
    "service": ("服务", "Service"),
    "what": ("事件", "Event"),
    "because": ("起因", "because of"),
    "late": ("晚到", "late by"),
    "days": ("天", "d"),
    "hours": ("小时", "h"),
    "recorded": ("记录于", "recorded"),
    "by": ("操作者", "by"),
    "no_events": ("此筛选下没有事件。", "No events under this filter."),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "signed_out": ("您已退出。", "You are signed out."),
    "other_language": ("English", "中文"),
    "not_found": ("找不到这个页面", "There is no such page"),
    "forbidden": ("没有权限", "Not permitted"),
    "forbidden_hint": ("您的角色不能查看此页面。需要的角色：", "Your roles do not open this page. It asks for one of:"),
    "unavailable": ("暂时无法登录", "Sign-in is not possible now"),
    "unavailable_hint": (
        "身份服务没有响应，请稍后再试。",
        "The identity provider does not answer; please try again in a moment.",
    ),
    "failed": ("出错了", "Something went wrong"),
    "failed_hint": ("错误已记录，请稍后再试。", "The error is logged; please try again in a moment."),
    "back": ("返回债务人列表", "Back to the debtors"),
    "sign_in_failed": ("登录没有完成", "The sign-in was not finished"),
    "sign_in_failed_hint": (
        "登录已过期，或在别的窗口开始。请重新登录。",
        "It has expired, or began in another window. Please sign in again.",
    ),
    "skip": ("跳到内容", "Skip to content"),
    "bad_request": ("请求有误", "The request is wrong"),
    "no_such_debtor": ("没有听说过这个债务人", "Nobody has spoken of this debtor"),
    "no_such_debtor_hint": (
        "没有任何服务的事件提到此编号。请检查编号，或稍后再试：新事件几秒内出现。",
        "No event of any service names this id. Check it, or come back in a moment: new events show within seconds.",
    ),
    "zone_note": ("时间按时区", "Times in zone"),
    "case_open": ("催收中", "open"),
    "case_held": ("已暂停", "on hold"),
    "case_closed": ("已关闭", "closed"),
    "legal_escalated": ("已移交法务", "with legal"),
    "legal_closed": ("法务已结", "legal closed"),
    "ingest": ("账务", "Ingest"),
    "scoring": ("评分", "Scoring"),
    "outreach": ("催收", "Outreach"),
    "legal": ("法务", "Legal"),
    "audit": ("审计", "Audit"),
}

TEXTS: Final[dict[Lang, dict[str, str]]] = {
    "zh": {key: zh for key, (zh, _) in _WORDS.items()},
    "en": {key: en for key, (_, en) in _WORDS.items()},
}
