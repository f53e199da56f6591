"""Every event that exists can be read by people, in both languages."""

from __future__ import annotations

import re
import typing
from datetime import date
from typing import Any

import msgspec
import pytest

from arrears.events import outreach
from arrears.events.registry import Event, EventType, event_types
from arrears.timeline_texts import LANGUAGES, TEXTS, Lang, line
from arrears.timeline_words import WORDS, word

TYPES = list(event_types())
_CJK = re.compile(r"[\u4e00-\u9fff]")


def _example(kind: Any) -> Any:
    """Return some value of a msgspec field type."""
    match kind:
        case msgspec.inspect.Metadata():
            return _example(kind.type)
        case msgspec.inspect.IntType():
            return max(1, kind.ge or 1)
        case msgspec.inspect.StrType():
            return "CNY" if kind.pattern == "^[A-Z]{3}$" else "0.5"
        case msgspec.inspect.LiteralType():
            return kind.values[0]
        case msgspec.inspect.UnionType():
            return _example(next(t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)))
        case msgspec.inspect.VarTupleType():
            return [_example(kind.item_type)]
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.DateType():
            return "2026-03-01"
        case msgspec.inspect.DateTimeType():
            return "2026-03-01T08:00:00Z"
        case msgspec.inspect.StructType():
            return {field.encode_name: _example(field.type) for field in kind.fields}
    raise TypeError(f"no example of {kind}")


def _event(kind: EventType) -> Event:
    made = msgspec.convert(_example(msgspec.inspect.type_info(kind.cls)), kind.cls)
    assert isinstance(made, Event)
    return made


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: f"{kind.owner}.{kind.name}")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_event_has_a_line_in_both_languages(kind: EventType, lang: Lang) -> None:
    assert kind.cls in TEXTS, f"add a text for {kind.owner}.{kind.name} to arrears.timeline_texts"
    text = line(_event(kind), lang)
    assert bool(_CJK.search(text)) == (lang == "zh")
    assert "{" not in text and "_minor" not in text and "None" not in text


def test_no_text_is_left_over() -> None:
    assert set(TEXTS) == {kind.cls for kind in TYPES}


def _literals(cls: type) -> set[str]:
    found, todo = set[str](), list(typing.get_type_hints(cls).values())
    while todo:
        hint = todo.pop()
        if typing.get_origin(hint) is typing.Literal:
            found |= {value for value in typing.get_args(hint) if isinstance(value, str)}
        todo += typing.get_args(hint) if typing.get_origin(hint) is not typing.Literal else ()
    return found


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: f"{kind.owner}.{kind.name}")
def test_every_code_that_a_text_shows_has_a_chinese_word(kind: EventType) -> None:
    shown = set(re.findall(r"\{(\w+):word\}", TEXTS[kind.cls][0]))
    hints = typing.get_type_hints(kind.cls)
    for field in shown:
        missing = _literals(type("T", (), {"__annotations__": {"f": hints[field]}})) - set(WORDS)
        assert not missing, f"{kind.name}.{field}: {missing}"


def test_a_promise_reads_like_a_sentence() -> None:
    promise = outreach.PromiseMade(
        promise_id="p", case_id="c", loan_ids=("l",),
        parts=(outreach.PromisePart(no=1, due_on=date(2026, 3, 5), amount_minor=123_450),),
        total_minor=123_450, currency="CNY", grace_days=1, tolerance_minor=0, promised_on=date(2026, 3, 1),
        pay_channel="transfer", made_by="debtor", attempt_id="a", acknowledges_debt=True, taken_by="zhang",
    )  # fmt: skip
    assert line(promise, "zh") == "承诺还款 1,234.50 元：2026-03-05 1,234.50 元（债务人，记录人 zhang）"
    assert line(promise, "en") == (
        "Promise to pay 1,234.50 CNY: 2026-03-05 1,234.50 CNY (by the debtor, taken by zhang)"
    )


def test_an_unknown_event_is_named_and_an_unknown_code_is_opened() -> None:
    class Novelty(Event, frozen=True, kw_only=True):
        """An event that only a later release knows."""

    assert line(Novelty(), "zh") == "Novelty"
    assert word("rare_reason", "zh") == word("rare_reason", "en") == "rare reason"
