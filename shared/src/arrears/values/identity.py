"""Who is who, and which partition serves them. Pure and stable under replay."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final
from uuid import UUID

_NAMESPACE: Final = UUID("6f1c9f1e-4d0b-5c39-9a57-2f6d1f0e8a11").bytes


def debtor_id(tenant: str, source: str, customer_ref: str) -> str:
    """Return the id of the person that `source` calls `customer_ref`; the same facts give the same id."""
    return _uuid5(f"debtor|{tenant}|{source}|{customer_ref}")


def loan_id(tenant: str, source: str, loan_ref: str) -> str:
    """Return the id of the loan that `source` calls `loan_ref`."""
    return _uuid5(f"loan|{tenant}|{source}|{loan_ref}")


def derived_id(kind: str, *parts: str) -> str:
    """Return an id that follows from `parts`, for a thing that exists once per them (a replay draws the same)."""
    return _uuid5("|".join((kind, *parts)))


def _uuid5(name: str) -> str:
    """RFC 9562 §5.5 in our namespace; uuid.uuid5 makes an object on the way and takes four times as long."""
    digest = hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()
    text = (digest[:6] + bytes((digest[6] & 0x0F | 0x50, digest[7], digest[8] & 0x3F | 0x80)) + digest[9:16]).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=65_536)  # a debtor comes again and again, and the hash is pure Python
def partition_of(key: str, partitions: int) -> int:
    """Return the partition of `key` as Kafka's default partitioner counts it (murmur2), so that foreign clients agree."""
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """Kafka's murmur2 (org.apache.kafka.common.utils.Utils.murmur2), 32 bit."""
    mask, m, length = 0xFFFFFFFF, 0x5BD1E995, len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)
