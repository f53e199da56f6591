"""The texts of messages to debtors, by template. Pure.

Only an amount, its date and how to reach us: no threat, no fee, nothing that is not in the ledger, and no name.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from arrears.timeline_texts import Lang, amount

_TEXTS: Final[dict[str, dict[Lang, str]]] = {
    "overdue-notice": {
        "zh": "【示例银行】您的贷款已逾期。截至{as_of}，到期未还{due}。如已还款，请忽略本短信。咨询请致电客服。",
        "en": "Sample Bank: your loan is overdue. As of {as_of}, {due} is due and unpaid. If you have paid, ignore this.",
    },
    "overdue-reminder": {
        "zh": "【示例银行】提醒：截至{as_of}，您的贷款到期未还{due}。如有困难，请联系客服协商还款安排。",
        "en": "Sample Bank: a reminder that, as of {as_of}, {due} of your loan is due. Call us if you need an arrangement.",
    },
    "payment-options": {
        "zh": "【示例银行】截至{as_of}，您的贷款到期未还{due}。您可一次还清或分期偿还，请联系客服了解方案。",
        "en": "Sample Bank: as of {as_of}, {due} of your loan is due. You may pay at once or in parts; please call us.",
    },
}


class UnknownTemplate(ValueError):
    """No message has this template id."""


def text_of(template_id: str, due_minor: int, currency: str, as_of: date, lang: Lang = "zh") -> str:
    """Return the message with the amount that is due as of a date.

    Raises:
        UnknownTemplate: see there.
    """
    texts = _TEXTS.get(template_id)
    if texts is None:
        raise UnknownTemplate(f"there is no message {template_id!r}")
    return texts[lang].format(due=amount(due_minor, currency, lang), as_of=as_of.isoformat())
