"""Codes of events in words, Chinese and English; English falls back to the code itself with its underscores opened. Pure."""

from __future__ import annotations

from typing import Final, Literal

# code: (Chinese, English or "" when the code reads well by itself)
WORDS: Final[dict[str, tuple[str, str]]] = {
    # channels and contact points
    "voice": ("电话", "phone"), "sms": ("短信", "SMS"), "email": ("邮件", "e-mail"), "letter": ("信函", ""),
    "wechat": ("微信", "WeChat"), "push": ("应用推送", "app push"), "visit": ("外访", ""), "mobile": ("手机", "mobile number"),
    "landline": ("固定电话", ""), "postal": ("邮寄地址", "postal address"),
    "transfer": ("转账", ""), "wallet": ("电子钱包", ""), "card": ("银行卡", ""), "auto_debit": ("自动扣款", "direct debit"),
    "cash_branch": ("网点现金", "cash at a branch"), "court": ("法院", ""), "agency": ("委外机构", ""),
    # people
    "debtor": ("债务人", ""), "guarantor": ("担保人", ""), "third_party": ("第三方", ""), "emergency": ("紧急联系人", "emergency contact"),
    "contract": ("合同", ""), "bureau": ("征信", "credit bureau"), "licensed_trace": ("合规查找", "licensed tracing"),
    "collector": ("催收员", ""), "lead": ("组长", "team lead"), "compliance": ("合规", ""), "legal": ("法务", ""),
    "auditor": ("审计", ""), "operator": ("运营", ""), "admin": ("管理员", "administrator"),
    # money
    "bounce": ("退票", ""), "chargeback": ("拒付", ""), "error": ("差错", ""), "clawback": ("追回", ""),
    # ageing
    "ageing": ("时间推移", ""), "payment": ("还款", ""), "reversal": ("冲正", ""), "backdated": ("倒起息", ""),
    "pause": ("暂停计息", ""), "restructure": ("重组", "restructured"), "self": ("自行还款", "by itself"),
    "contact": ("联系后还款", "after contact"), "promise": ("承诺还款", "promise to pay"), "plan": ("分期还款", "payment plan"),
    "settlement": ("和解", ""),
    # segments
    "pre_due": ("到期前", ""), "light": ("轻度", ""), "moderate": ("中度", ""), "severe": ("重度", ""), "hardship": ("困难", ""),
    "unreachable": ("失联", ""), "wilful": ("恶意拖欠", "wilful default"), "high": ("高", ""), "low": ("低", ""), "unknown": ("未知", ""),
    # what scoring counts, and why it advises
    "contact_attempted": ("尝试联系", "contact tried"), "right_party_contact": ("联系到本人", ""), "promise_kept": ("履行承诺", ""),
    "promise_broken": ("违背承诺", ""), "repayment": ("还款", ""), "treatment_exhausted": ("策略已执行完毕", "strategy exhausted"),
    "court_fee_estimated": ("诉讼费为估算", ""), "litigation_policy_1": ("诉讼测算第 1 版", "litigation policy 1"),
    "band_a": ("A 级", "band A"), "band_b": ("B 级", "band B"), "band_c": ("C 级", "band C"), "band_d": ("D 级", "band D"),
    "band_e": ("E 级", "band E"),
    # holds and endings
    "dispute": ("争议", ""), "complaint": ("投诉", ""), "moratorium": ("延期还款期", ""), "insolvency": ("破产", ""),
    "cured": ("已结清逾期", ""), "paid_off": ("已还清", ""), "settled": ("已和解", ""), "sold": ("已转让", ""),
    "uncollectable": ("无法收回", ""), "deceased": ("债务人死亡", ""), "recovered": ("已回收", ""), "withdrawn": ("撤回", ""),
    "rejected": ("被驳回", ""),
    # contacts
    "collection": ("催收", ""), "service": ("服务提醒", ""), "outbound": ("呼出", ""), "inbound": ("呼入", ""),
    "expired": ("已过期", ""), "provider_failed": ("通道失败", "the provider failed"), "stopped": ("已停止", "a stop event came first"),
    "carrier": ("运营商确认送达", "confirmed by the carrier"), "read": ("已读", ""), "signed": ("已签收", ""),
    "refused": ("拒收", ""), "returned": ("退回", ""), "bounced": ("退信", ""),
    "superseded": ("被新承诺替代", "superseded by a newer one"), "paid_other": ("另行还款", "paid in another way"),
    "RPC_PTP": ("本人，承诺还款", "right party, promised to pay"), "RPC_PAID_CLAIM": ("本人，称已还款", "right party, says it is paid"),
    "RPC_REFUSES": ("本人，拒绝还款", "right party, refuses to pay"), "RPC_HARDSHIP": ("本人，称经济困难", "right party, hardship"),
    "RPC_DISPUTE": ("本人，有异议", "right party, disputes the debt"), "RPC_CALLBACK": ("本人，约定回电", "right party, call back"),
    "RPC_HUNG_UP": ("本人，挂断", "right party, hung up"), "RPC_CEASE": ("本人，要求停止联系", "right party, asks us to stop"),
    "RPC_REPRESENTED": ("本人，已委托律师", "right party, has a lawyer"), "GUARANTOR_CONTACT": ("联系到担保人", "guarantor reached"),
    "TP_MESSAGE": ("第三方，请其转告", "third party, took a message"), "TP_REFUSED": ("第三方，拒绝", "third party, refused"),
    "WRONG_NUMBER": ("号码错误", "wrong number"), "DECEASED_REPORTED": ("称债务人已故", "reported deceased"),
    "NO_ANSWER": ("无人接听", "no answer"), "BUSY": ("忙音", "busy"), "VOICEMAIL": ("语音信箱", "voicemail"),
    "SWITCHED_OFF": ("关机", "switched off"), "EMPTY_NUMBER": ("空号", "number not in use"),
    "OUT_OF_SERVICE": ("停机", "out of service"),
    "REJECTED_BY_CALLEE": ("拒接", "call rejected"), "CARRIER_FAIL": ("线路故障", "carrier failure"),
    "ABANDONED": ("呼损", "abandoned call"),
    "MSG_SENT": ("消息已发送", "message sent"), "MSG_DELIVERED": ("消息已送达", "message delivered"),
    "MSG_READ": ("消息已读", "message read"),
    "MSG_BOUNCED": ("消息被退回", "message bounced"), "VISIT_MET": ("外访见到本人", "visit, met the debtor"),
    "VISIT_NOT_HOME": ("外访未遇", "visit, nobody at home"), "VISIT_REFUSED": ("外访被拒", "visit, refused"),
    "LETTER_SIGNED": ("信函已签收", "letter signed for"), "LETTER_RETURNED": ("信函退回", "letter returned"),
    # steps and allocations
    "permitted": ("获准", ""),
    "blocked": ("被拦截", ""),
    "released": ("未使用", ""),
    "attempted": ("已联系", ""),
    "missed": ("错过", ""),
    "due": ("到期", ""),
    "fee": ("费用", ""),
    "schedule": ("还款计划变更", "schedule change"),
    # legal routes
    "notarial": ("公证执行", "notarial enforcement"), "payment_order": ("支付令", ""), "small_claims": ("小额诉讼", ""),
    "summary": ("简易程序", "summary procedure"), "ordinary": ("普通程序", "ordinary procedure"), "arbitration": ("仲裁", ""),
    "mediation": ("调解", ""), "security": ("实现担保物权", "enforcement of security"),
    # approvals
    "strategy": ("策略", ""), "waiver": ("减免", ""), "placement": ("委外", "agency placement"), "pack": ("规则包", "rule pack"),
    "legal_escalation": ("移交法务", "escalation to legal"), "correction": ("账务更正", "ledger correction"),
    "too_late": ("逾期未决", "nobody decided in time"), "subject_gone": ("事由消失", "its subject fell away"),
    # integrity
    "version_gap": ("版本不连续", ""), "position_gap": ("位置不连续", ""), "hash_mismatch": ("哈希不符", "hashes differ"),
    "bad_signature": ("签名无效", ""), "clock_order": ("时间倒序", "times go back"), "schema": ("结构无效", "not valid by its schema"),
    "causation": ("缺少起因事件", "its cause is missing"),
}  # fmt: skip


def word(code: str, lang: Literal["zh", "en"]) -> str:
    """Return a code in words; one without an entry is shown as it is, with its underscores opened."""
    zh, en = WORDS.get(code, ("", ""))
    return (zh if lang == "zh" else en) or code.replace("_", " ")
