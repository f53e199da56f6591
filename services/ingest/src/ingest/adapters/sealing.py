"""Seal a personal value with its person's key: AES-256-GCM, bound to exactly one place in the log. No I/O.

Sealed form: `v1.<generation>.<base64url of nonce ‖ ciphertext ‖ tag>`, without padding. The associated data are debtor,
generation, stream key, event type and field, joined by the unit separator, so a sealed value cannot be moved elsewhere.
Not bound is the event id, which is drawn later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12
_SEPARATOR: Final = "\x1f"


class SealBroken(ValueError):
    """The sealed value was made with another key or for another place, or was changed."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One generation of a person's key."""

    debtor_id: str
    generation: int
    secret: bytes


def new_secret() -> bytes:
    """Return 32 random bytes."""
    return AESGCM.generate_key(256)


def seal(key: SubjectKey, stream_key: str, event_type: str, field: str, value: str) -> str:
    """Return `value` sealed for one field of one type of event in one stream."""
    nonce = os.urandom(_NONCE)
    body = AESGCM(key.secret).encrypt(nonce, value.encode(), _place(key, stream_key, event_type, field))
    return f"v1.{key.generation}.{base64.urlsafe_b64encode(nonce + body).decode().rstrip('=')}"


def unseal(key: SubjectKey, stream_key: str, event_type: str, field: str, sealed: str) -> str:
    """Return the value again.

    Raises:
        SealBroken: wrong key, generation or place, or not a sealed value.
    """
    version, _, rest = sealed.partition(".")
    generation, _, text = rest.partition(".")
    if version != "v1" or generation != str(key.generation):
        raise SealBroken(f"not sealed with generation {key.generation} of this key")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        value = AESGCM(key.secret).decrypt(raw[:_NONCE], raw[_NONCE:], _place(key, stream_key, event_type, field))
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the seal does not fit key and place") from error
    return value.decode()


def token(key: SubjectKey, kind: str, value: str) -> str:
    """Return an id that follows from person, kind and value: HMAC-SHA-256 with the person's key, 32 hex digits."""
    message = _SEPARATOR.join(("token", kind, value)).encode()
    return hmac.new(key.secret, message, hashlib.sha256).hexdigest()[:32]


def wrap(master: bytes, key: SubjectKey) -> bytes:
    """Return the key wrapped by the master key."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(master).encrypt(nonce, key.secret, _identity(key.debtor_id, key.generation))


def unwrap(master: bytes, debtor_id: str, generation: int, wrapped: bytes) -> SubjectKey:
    """Return the key again.

    Raises:
        SealBroken: another master key, or a row that was exchanged.
    """
    try:
        secret = AESGCM(master).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _identity(debtor_id, generation))
    except InvalidTag as error:
        raise SealBroken("the wrapped key does not fit the master key") from error
    return SubjectKey(debtor_id, generation, secret)


def _place(key: SubjectKey, stream_key: str, event_type: str, field: str) -> bytes:
    return _SEPARATOR.join((key.debtor_id, str(key.generation), stream_key, event_type, field)).encode()


def _identity(debtor_id: str, generation: int) -> bytes:
    return _SEPARATOR.join(("subject-key", debtor_id, str(generation))).encode()
