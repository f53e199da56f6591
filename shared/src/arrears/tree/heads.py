"""Signed tree heads: what a publisher says its log is, and what a witness says it saw. Pure but for the key's maths.

The signed text is the body of a C2SP tlog-checkpoint: origin, size, base64 root, then the time as one extension line.
A witness signs the C2SP cosignature/v1 text over the same body. Signatures are Ed25519 (RFC 8032).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from arrears.recorded import microseconds

TOPIC: Final = "log.heads"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The tree over the first `size` events of `service`'s log, as its publisher saw it at `at`."""

    service: str
    size: int
    root: bytes
    at: datetime

    def canonical(self) -> bytes:
        """Return the exact bytes that are signed; the time is whole microseconds since the epoch."""
        root = base64.b64encode(self.root).decode()
        return f"arrears/{self.service}\n{self.size}\n{root}\ntime {microseconds(self.at)}\n".encode()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head with its publisher's signature."""

    head: TreeHead
    signature: bytes


class _WireHead(msgspec.Struct, frozen=True, kw_only=True):
    service: str
    size: int
    root: str
    at: datetime
    signature: str


class UnreadableHead(ValueError):
    """A record of `log.heads` that holds no head."""


def sign(head: TreeHead, key: Ed25519PrivateKey) -> SignedHead:
    """Return the head signed by its publisher."""
    return SignedHead(head, key.sign(head.canonical()))


def is_genuine(signed: SignedHead, key: Ed25519PublicKey) -> bool:
    """Say whether the holder of `key` signed this head."""
    return _verified(key, signed.signature, signed.head.canonical())


def countersign(head: TreeHead, at: datetime, key: Ed25519PrivateKey) -> bytes:
    """Return a witness's signature over a head that it checked at `at`."""
    return key.sign(_cosigned(head, at))


def is_countersigned(head: TreeHead, at: datetime, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Say whether the witness that holds `key` signed this head at `at`."""
    return _verified(key, signature, _cosigned(head, at))


def to_wire(signed: SignedHead) -> bytes:
    """Return the JSON value that stands on `log.heads`."""
    head = signed.head
    return msgspec.json.encode(
        _WireHead(
            service=head.service, size=head.size, root=head.root.hex(), at=head.at, signature=signed.signature.hex()
        )
    )


def from_wire(value: bytes) -> SignedHead:
    """Return the head that a record holds. Raises UnreadableHead."""
    try:
        wire = msgspec.json.decode(value, type=_WireHead)
        root, signature = bytes.fromhex(wire.root), bytes.fromhex(wire.signature)
    except (msgspec.DecodeError, ValueError, binascii.Error) as error:
        raise UnreadableHead(str(error)) from error
    if wire.size < 0 or wire.at.tzinfo is None or len(root) != 32:
        raise UnreadableHead("size, time or root is out of range")
    return SignedHead(TreeHead(wire.service, wire.size, root, wire.at), signature)


def _cosigned(head: TreeHead, at: datetime) -> bytes:
    return f"cosignature/v1\ntime {int(at.timestamp())}\n".encode() + head.canonical()


def _verified(key: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True
