"""The sealed form of personal values in events, and the wire form of a person's key.

Sealed form: `v1.<generation>.<base64url of nonce ‖ ciphertext ‖ tag>` without padding, AES-256-GCM. The associated data
are debtor, generation, stream key, event type and field, joined by the unit separator: a sealed value cannot be moved to
another place. Ingest alone owns keys; a service that must send gets one from `GET /v1/keys/{debtor_id}`.
"""

from __future__ import annotations

import base64
import os
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12
_SEPARATOR: Final = "\x1f"


class SealBroken(ValueError):
    """The sealed value was made with another key or for another place, or was changed."""


class SubjectKey(msgspec.Struct, frozen=True, kw_only=True):
    """One generation of a person's key; in the answer of the key interface `secret` is `key`, in base64."""

    debtor_id: str
    generation: int
    secret: bytes = msgspec.field(name="key")


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
        return value.decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the seal does not fit key and place") from error


def _place(key: SubjectKey, stream_key: str, event_type: str, field: str) -> bytes:
    return _SEPARATOR.join((key.debtor_id, str(key.generation), stream_key, event_type, field)).encode()
