"""Sealed values open with their own key at their own place only; the master key is never lost by itself."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from arrears.vault import SealBroken, SubjectKey, seal, unseal
from ingest.adapters.key_wrapping import new_secret, token, unwrap, wrap
from ingest.adapters.vault import MasterKeyMissing, MasterKeyUnusable, master_key

KEY = SubjectKey(debtor_id="d-1", generation=1, secret=new_secret())
PLACE = ("debtor/d-1", "DebtorRegistered", "name_sealed")


def test_a_sealed_value_is_never_the_same_twice_and_opens_again() -> None:
    one, other = seal(KEY, *PLACE, "张三"), seal(KEY, *PLACE, "张三")
    assert one != other
    assert one.startswith("v1.1.")
    assert unseal(KEY, *PLACE, one) == "张三"


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_sealed_value_cannot_be_moved(moved: int) -> None:
    place = tuple(f"{part}x" if n == moved else part for n, part in enumerate(PLACE))
    with pytest.raises(SealBroken):
        unseal(KEY, place[0], place[1], place[2], seal(KEY, *PLACE, "张三"))


@pytest.mark.parametrize(
    "key",
    [
        SubjectKey(debtor_id="d-2", generation=1, secret=KEY.secret),
        SubjectKey(debtor_id="d-1", generation=1, secret=new_secret()),
    ],
)
def test_another_key_opens_nothing(key: SubjectKey) -> None:
    with pytest.raises(SealBroken):
        unseal(key, *PLACE, seal(KEY, *PLACE, "张三"))


@pytest.mark.parametrize("text", ["", "v1.1.", "v1.2.abcd", "v2.1.abcd", "v1.1.$$$", "clear text"])
def test_what_is_not_sealed_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken):
        unseal(KEY, *PLACE, text)


def test_a_token_follows_from_person_kind_and_value() -> None:
    assert token(KEY, "mobile", "1") == token(KEY, "mobile", "1")
    assert len({token(KEY, "mobile", "1"), token(KEY, "email", "1"), token(KEY, "mobile", "2")}) == 3


def test_a_wrapped_key_opens_with_its_master_for_its_person_only() -> None:
    master = new_secret()
    wrapped = wrap(master, KEY)
    assert unwrap(master, "d-1", 1, wrapped) == KEY
    for arguments in ((new_secret(), "d-1", 1), (master, "d-2", 1), (master, "d-1", 2)):
        with pytest.raises(SealBroken):
            unwrap(*arguments, wrapped)


def test_the_master_key_is_made_once_in_development_and_must_be_given_in_production(tmp_path: Path) -> None:
    home = {"ARREARS_HOME": str(tmp_path)}
    assert master_key(home) == master_key(home)
    assert len(list((tmp_path / "keys").iterdir())) == 1
    with pytest.raises(MasterKeyMissing):
        master_key({**home, "ARREARS_ENV": "production"})
    given = base64.b64encode(bytes(32)).decode()
    assert master_key({"ARREARS_ENV": "production", "ARREARS_MASTER_KEY": given}) == bytes(32)


@pytest.mark.parametrize("text", ["short", base64.b64encode(b"short").decode(), "$$$"])
def test_a_master_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MasterKeyUnusable):
        master_key({"ARREARS_MASTER_KEY": text})
