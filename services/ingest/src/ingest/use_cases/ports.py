"""What use cases need of the outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Sealer(Protocol):
    """Seals personal values with a key of the person's own, which is at hand already."""

    def seal(self, debtor_id: str, stream_key: str, event_type: str, field: str, value: str) -> str:
        """Return `value` sealed for exactly this place; the empty text stays empty."""
        ...

    def token(self, debtor_id: str, kind: str, value: str) -> str:
        """Return an id that follows from person, kind and value, and tells nothing without the person's key."""
        ...


@dataclass(frozen=True, slots=True)
class LoanAddress:
    """Where a loan is found: its id and its debtor's."""

    loan_id: str
    debtor_id: str


class ReferenceLookup(Protocol):
    """Finds the loans that payment references name."""

    async def find(self, references: Iterable[str]) -> Mapping[str, Sequence[LoanAddress]]:
        """Return, for each reference that is known, the loans that carry it."""
        ...
