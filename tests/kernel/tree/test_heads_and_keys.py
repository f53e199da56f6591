"""Signed heads and key files."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arrears.tree.heads import (
    SignedHead,
    TreeHead,
    UnreadableHead,
    countersign,
    from_wire,
    is_countersigned,
    is_genuine,
    sign,
    to_wire,
)
from arrears.tree.keys import SigningKeyMissing, SigningKeyUnusable, public_keys, signing_key
from arrears.tree.merkle import EMPTY_ROOT

HEAD = TreeHead("ingest", 7, EMPTY_ROOT, datetime(2026, 3, 1, 8, 0, 0, 123456, UTC))


def test_the_signed_text_is_a_checkpoint_body() -> None:
    assert HEAD.canonical() == (
        b"arrears/ingest\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\ntime 1772352000123456\n"
    )


def test_a_head_is_genuine_only_as_it_was_signed(tmp_path: Path) -> None:
    key = signing_key(tmp_path, "ingest", create=True)
    public = public_keys(tmp_path).of("ingest")
    assert public is not None
    signed = sign(HEAD, key)
    assert is_genuine(signed, public)
    assert from_wire(to_wire(signed)) == signed
    assert not is_genuine(replace(signed, head=replace(HEAD, size=8)), public)
    assert not is_genuine(SignedHead(HEAD, b"\x00" * 64), public)
    assert not is_genuine(SignedHead(HEAD, b"short"), public)
    other = signing_key(tmp_path, "audit", create=True)
    assert not is_genuine(sign(HEAD, other), public)


def test_a_witness_signs_the_time_with_the_head(tmp_path: Path) -> None:
    key = signing_key(tmp_path, "audit", create=True)
    at = datetime(2026, 3, 1, 8, 1, tzinfo=UTC)
    signature = countersign(HEAD, at, key)
    assert is_countersigned(HEAD, at, signature, key.public_key())
    assert not is_countersigned(HEAD, at.replace(minute=2), signature, key.public_key())
    assert not is_genuine(SignedHead(HEAD, signature), key.public_key())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b'{"service":"x","size":-1,"root":"","at":"2026-01-01T00:00:00Z","signature":""}',
        to_wire(SignedHead(HEAD, b"")).replace(b"Z", b""),
        to_wire(SignedHead(HEAD, b"")).replace(b'"root":"e3', b'"root":"zz'),
    ],
)
def test_a_record_that_holds_no_head_says_so(value: bytes) -> None:
    with pytest.raises(UnreadableHead):
        from_wire(value)


def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = signing_key(tmp_path, "legal", create=True)
    again = signing_key(tmp_path, "legal", create=True)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert stat.S_IMODE((tmp_path / "keys" / "legal.ed25519").stat().st_mode) == 0o600
    signing_key(tmp_path, "audit", create=True)
    assert sorted(json.loads((tmp_path / "keys" / "public.json").read_text())) == ["audit", "legal"]


def test_production_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyMissing, match="legal has no signing key"):
        signing_key(tmp_path, "legal", create=False)
    assert public_keys(tmp_path).of("legal") is None


def test_a_spoiled_key_file_is_named(tmp_path: Path) -> None:
    signing_key(tmp_path, "legal", create=True)
    (tmp_path / "keys" / "legal.ed25519").write_text("not a key")
    with pytest.raises(SigningKeyUnusable, match=r"legal\.ed25519"):
        signing_key(tmp_path, "legal", create=True)
    (tmp_path / "keys" / "public.json").write_text('{"legal": "AAAA"}')
    with pytest.raises(SigningKeyUnusable, match="legal"):
        public_keys(tmp_path).of("legal")
