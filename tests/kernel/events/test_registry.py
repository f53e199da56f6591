"""Events by name and version: what decodes, what upcasts, and what is refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from arrears.events import registry
from arrears.events.ingest import FeeCharged
from arrears.events.registry import (
    Event,
    InvalidEvent,
    PositiveMinor,
    UnknownEvent,
    decode,
    encode,
    event_types,
    parse_wire_name,
    published,
    type_of,
    wire_name,
)

FEE = {
    "loan_id": "l", "fee_id": "f", "kind": "late", "amount_minor": 100, "currency": "CNY",
    "charged_on": "2026-03-02", "contract_clause": "8.1",
}  # fmt: skip


@pytest.fixture(scope="module")
def toll() -> Iterator[type[Event]]:
    """An event that has come to version 3: `amount` became `amount_minor`, then `lane` was added with a default."""

    def to_minor(fields: dict[str, Any]) -> dict[str, Any]:
        return {"amount_minor": fields["amount"] * 100, "booth": fields["booth"]}

    @published("toy", version=3, upcasters={1: to_minor, 2: lambda fields: fields | {"lane": "unknown"}})
    class Toll(Event, frozen=True, kw_only=True):
        """A toll was paid."""

        amount_minor: PositiveMinor
        booth: str
        lane: str = ""

    yield Toll
    del registry._types["toy", "Toll"], registry._decoders["toy", "Toll"], registry._by_class[Toll]


def fee(**changed: Any) -> bytes:
    return json.dumps(FEE | changed).encode()


def test_an_event_is_read_as_it_was_written() -> None:
    event = decode("ingest", "FeeCharged", 1, fee())
    assert isinstance(event, FeeCharged)
    assert decode("ingest", "FeeCharged", 1, encode(event)) == event


@pytest.mark.parametrize(
    ("version", "fields", "lane"),
    [
        (1, {"amount": 5, "booth": "north"}, "unknown"),
        (2, {"amount_minor": 500, "booth": "north"}, "unknown"),
        (3, {"amount_minor": 500, "booth": "north", "lane": "left"}, "left"),
        (3, {"amount_minor": 500, "booth": "north"}, ""),
    ],
    ids=["two steps", "one step", "none", "an added field left out"],
)
def test_every_version_is_read_as_todays(toll: Any, version: int, fields: dict[str, Any], lane: str) -> None:
    found = decode("toy", "Toll", version, json.dumps(fields).encode())
    assert found == toll(amount_minor=500, booth="north", lane=lane)


def test_an_older_version_is_judged_as_strictly_as_todays(toll: Any) -> None:
    with pytest.raises(InvalidEvent, match=r"arrears.toy.Toll.v2: Expected `int` >= 1 - at `\$.amount_minor`"):
        decode("toy", "Toll", 2, b'{"amount_minor":-5,"booth":"north"}')


@pytest.mark.parametrize("data", [b'{"booth":"north"}', b'{"amount":null,"booth":"north"}', b'{"amount":5}'])
def test_an_older_version_that_its_upcaster_cannot_read_is_invalid(toll: Any, data: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"arrears\.toy\.Toll\.v1: not to be upcast"):
        decode("toy", "Toll", 1, data)


@pytest.mark.parametrize(
    ("owner", "name", "version"),
    [
        ("ingest", "FeeCharged", 2),
        ("ingest", "FeeCharged", 0),
        ("legal", "FeeCharged", 1),
        ("ingest", "feecharged", 1),
    ],
)
def test_a_type_owner_or_version_that_is_not_known_is_unknown(owner: str, name: str, version: int) -> None:
    with pytest.raises(UnknownEvent, match="is not known here"):
        decode(owner, name, version, fee())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (fee().replace(b"100", b"NaN"), "malformed"),
        (fee().replace(b"100", b"Infinity"), "malformed"),
        (fee(amount_minor=-5), "Expected `int` >= 1"),
        (fee(amount_minor=0), "Expected `int` >= 1"),
        (fee(amount_minor=1.5), "Expected `int`, got `float`"),
        (fee(amount_minor="100"), "Expected `int`, got `str`"),
        (fee(amount_minor=None), "Expected `int`, got `null`"),
        (fee(currency="cny"), "matching regex"),
        (fee(charged_on="2026-02-30"), "Invalid"),
        (fee(charged_on="2026-03-02T00:00:00"), "Invalid"),
        (json.dumps({k: v for k, v in FEE.items() if k != "fee_id"}).encode(), "missing required field `fee_id`"),
        (b'{"loan_id":"\xff"}', "utf-8"),
        (fee() + b"x", "malformed"),
    ],
    ids=lambda value: value[:44] if isinstance(value, str) else "",
)
def test_data_that_does_not_fit_its_type_is_invalid_and_says_why(data: bytes, told: str) -> None:
    with pytest.raises(InvalidEvent) as error:
        decode("ingest", "FeeCharged", 1, data)
    assert told.lower() in str(error.value).lower()
    assert str(error.value).startswith("arrears.ingest.FeeCharged.v1")


def test_a_field_that_is_not_known_here_is_passed_over() -> None:
    assert decode("ingest", "FeeCharged", 1, fee(added_later=1)) == decode("ingest", "FeeCharged", 1, fee())


def test_names_on_the_wire_are_read_back() -> None:
    for kind in event_types():
        assert parse_wire_name(kind.wire_name) == (kind.owner, kind.name, kind.version)
    assert wire_name("ingest", "LoanOverdue", 1) == "arrears.ingest.LoanOverdue.v1"


@pytest.mark.parametrize(
    "name", ["", "FeeCharged", "arrears.ingest.FeeCharged", "acme.ingest.FeeCharged.v1", "arrears.ingest.FeeCharged.1",
             "arrears.ingest.FeeCharged.v", "arrears.ingest.FeeCharged.v-1", "arrears.ingest.FeeCharged.v1.x",
             "arrears.ingest.FeeCharged.v²"],
)  # fmt: skip
def test_a_name_of_another_form_is_unknown(name: str) -> None:
    with pytest.raises(UnknownEvent):
        parse_wire_name(name)


def test_one_owner_cannot_publish_a_name_twice(toll: type[Event]) -> None:
    with pytest.raises(TypeError, match="toy already publishes Toll"):
        published("toy")(toll)


def test_every_published_event_is_immutable_and_explains_itself() -> None:
    for kind in event_types():
        assert kind.cls.__doc__, kind.wire_name
        assert issubclass(kind.cls, msgspec.Struct)
        assert kind.cls.__struct_config__.frozen, kind.wire_name
        assert type_of(kind.cls).name == kind.name
        assert set(kind.upcasters) == set(range(1, kind.version)), kind.wire_name
