"""The published language: every event that crosses Kafka, one module per owner. Pure.

Four rules keep old logs readable (after msgspec's schema evolution notes): a field is only added, and with a default;
a field never changes its type or meaning; a type name never changes; what cannot be said by an added field becomes a
new version with an upcaster.
"""

from arrears.events import approvals, audit, corebanking, ingest, legal, outreach, scoring

__all__ = ["approvals", "audit", "corebanking", "ingest", "legal", "outreach", "scoring"]
