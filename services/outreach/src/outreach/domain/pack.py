"""The house pack: the contact rules in force, as data with a version that names their exact content. Pure.

Numbers are parameters that a lawyer signs; the gate only evaluates them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

import msgspec


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's name, the code that its denial carries, and where it stands written."""

    rule_id: str
    reason_code: str
    citation: str


RULES: Final = (
    Rule("G.CASE", "BLOCK_CONTACT_AFTER_PAID", "house: no open case, no contact (domain.md 3.4)"),
    Rule("G.PAID", "BLOCK_CONTACT_AFTER_PAID", "house: nothing is owed (compliance.md 2, G.PAID)"),
    Rule("G.HOLD", "BLOCK_CASE_HELD", "house: the case is held (compliance.md 2, G.HOLD)"),
    Rule("G.FACTS", "BLOCK_MISSING_FACT", "house: a required fact is missing (compliance.md 2, G.FACTS)"),
    Rule("G.STALE", "BLOCK_STALE_BALANCE", "house: balances are older than allowed (compliance.md 2, G.FACTS)"),
    Rule("G.JURIS", "BLOCK_NO_ZONE", "house: no usable time zone of the contact point (compliance.md 2, G.JURIS)"),
    Rule("G.WRONG", "BLOCK_WRONG_ADDRESS", "house: the address is another person's (compliance.md 2, G.WRONG)"),
    Rule("CN.TARGET", "BLOCK_THIRD_PARTY", "GB/T 45251-2025; CBA guide 2026 (compliance.md 3, CN.TARGET)"),
    Rule("CN.TIME", "BLOCK_QUIET_HOURS", "GB/T 45251-2025 5.3 (compliance.md 3, CN.TIME)"),
    Rule("CN.FREQ.TALK", "BLOCK_FREQUENCY_CAP", "GB/T 45251-2025 5.3 (compliance.md 3, CN.FREQ.TALK)"),
    Rule("CN.FREQ.DIAL", "BLOCK_FREQUENCY_CAP", "CBA guide 2026 (compliance.md 3, CN.FREQ.DIAL)"),
    Rule("HOUSE.SMS", "BLOCK_FREQUENCY_CAP", "house: messages that disturb (compliance.md 3, CN.PUNISH)"),
)


@dataclass(frozen=True, slots=True)
class Pack:
    """Contact rules of the Chinese house pack.

    Hours are half open, `opens` included and `closes` not, in every candidate zone of the contact point. A point
    without zone evidence has `candidate_zones` (China declares one). Counters count calendar days of these zones.
    `home_zone` is the zone of the lender's business dates.
    """

    name: str = "cn-house"
    opens: time = time(8)
    closes: time = time(22)
    candidate_zones: tuple[str, ...] = ("Asia/Shanghai",)
    home_zone: str = "Asia/Shanghai"
    max_conversations_a_day: int = 3
    max_dials_a_day: int = 6
    max_messages_a_day: int = 1
    max_staleness: timedelta = timedelta(seconds=300)
    permit_lifetime: timedelta = timedelta(seconds=60)
    rules: tuple[Rule, ...] = RULES

    @property
    def version(self) -> str:
        """`<name>@<hash>`: the same text means the same rules."""
        content = msgspec.json.encode(self, order="deterministic")
        return f"{self.name}@{hashlib.sha256(content).hexdigest()[:16]}"


HOUSE_PACK: Final = Pack()
