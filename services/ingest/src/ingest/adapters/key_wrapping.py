"""What ingest alone does with persons' keys: make them, wrap them for the table, draw ids from them. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from arrears.vault import SealBroken, SubjectKey

_NONCE: Final = 12
_SEPARATOR: Final = "\x1f"


def new_secret() -> bytes:
    """Return 32 random bytes."""
    return AESGCM.generate_key(256)


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
    return SubjectKey(debtor_id=debtor_id, generation=generation, secret=secret)


def _identity(debtor_id: str, generation: int) -> bytes:
    return _SEPARATOR.join(("subject-key", debtor_id, str(generation))).encode()
