"""One human-readable line an event, in Chinese and English. Pure.

A template names the event's fields; the part behind the colon says how a field reads: `money` in the event's own
currency, `word` through the vocabulary of codes, `list` joined, `parts` as dated amounts, `id` shortened. Texts belong
to code and not to the log, so that old events read in any language and better wording reaches the past too.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final, Literal

from arrears.events.registry import Event
from arrears.timeline_lines import approvals, audit, corebanking, ingest, legal, outreach, scoring
from arrears.timeline_words import word
from arrears.values.money import to_major

Lang = Literal["zh", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = ("zh", "en")

TEXTS: Final[dict[type[Event], tuple[str, str]]] = {
    **ingest.LINES,
    **scoring.LINES,
    **outreach.LINES,
    **legal.LINES,
    **approvals.LINES,
    **audit.LINES,
    **corebanking.LINES,
}


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
