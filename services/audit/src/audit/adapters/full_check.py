"""Check everything anew, from the first event: audit's copy, the heads, and where it can be reached the publisher's log.

Nothing that audit computed before is trusted: leaves are hashed from the stored fields again, the tree is grown from
nothing, every head's signature and root are checked. Memory stays flat however long the log is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from arrears.database import Connection
from arrears.recorded import leaf_hash, microseconds
from arrears.tree.heads import SignedHead, TreeHead, is_genuine
from arrears.tree.merkle import Frontier, grow
from audit.domain.checkpoint import Kind, Violation
from audit.use_cases.ports import Keys

_PAGE: Final = 5_000
_SHOWN: Final = 20
_FIELDS: Final = "stream_key, version, debtor_id, type, schema_version, occurred_at, recorded_at, data, meta"
_COPY: Final = f"""SELECT position, {_FIELDS}, leaf, other_leaf FROM read.copy
    WHERE service = $1 AND position > $2 ORDER BY position LIMIT {_PAGE}"""
_LOG: Final = f"""SELECT e.position, s.key AS stream_key, e.version, s.debtor_id, e.type, e.schema_version, e.occurred_at,
      e.recorded_at, e.data, e.meta FROM es.event e JOIN es.stream s ON s.no = e.stream_no
    WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT {_PAGE}"""
_HEADS: Final = "SELECT size, root, signature, signed_at FROM audit.head WHERE service = $1 AND size > 0 ORDER BY size"

Progress = Callable[[str, int], None]


class LogReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the check of one service's log found; `compared` is None when its database could not be reached."""

    service: str
    status: str
    events: int
    root: str
    heads: int
    signed_size: int
    compared: int | None
    first_bad_position: int | None
    violations: tuple[Violation, ...]


@dataclass(slots=True)
class _Findings:
    """The first violations of each kind; a rotten log would otherwise fill the screen."""

    found: list[Violation] = field(default_factory=list)

    def add(self, kind: Kind, position: int, stream_key: str, detail: str) -> None:
        if sum(one.kind == kind for one in self.found) < _SHOWN:
            self.found.append(Violation(kind=kind, position=position, stream_key=stream_key, detail=detail))


async def check_log(
    service: str, audit: Connection, publisher: Connection | None, keys: Keys, progress: Progress
) -> LogReport:
    """Return how one service's log stands.

    The publisher's log may be longer than the copy: audit is behind then, which is no violation. A shorter one is.
    """
    findings = _Findings()
    heads = await _heads(service, audit, keys, findings)
    tree, position = Frontier(), 0
    due = iter(heads)
    head = next(due, None)
    async for page in _pages(audit, service):
        leaves = _checked_leaves(service, page, position, findings)
        position = page[-1]["position"]
        while head is not None and head.head.size <= tree.size + len(leaves):
            cut = head.head.size - tree.size
            tree, leaves = grow(tree, leaves[:cut])[0], leaves[cut:]
            _compare_root(head.head, tree, findings)
            head = next(due, None)
        tree = grow(tree, leaves)[0]
        progress(service, tree.size)
    compared = None if publisher is None else await _compare_log(service, audit, publisher, findings)
    behind = head is not None or (compared is not None and await _length(publisher) > position)
    return LogReport(
        service=service, status="violated" if findings.found else "behind" if behind else "ok", events=tree.size,
        root=tree.root().hex(), heads=len(heads), signed_size=max((h.head.size for h in heads), default=0),
        compared=compared, first_bad_position=min((v.position for v in findings.found), default=None),
        violations=tuple(findings.found),
    )  # fmt: skip


async def _heads(service: str, audit: Connection, keys: Keys, findings: _Findings) -> list[SignedHead]:
    key, genuine = keys.of(service), list[SignedHead]()
    for row in await audit.fetch(_HEADS, service):
        signed = SignedHead(TreeHead(service, row["size"], row["root"], row["signed_at"]), row["signature"])
        if key is None:
            findings.add("bad_signature", row["size"], "", f"the deployment names no public key of {service}")
        elif is_genuine(signed, key):
            genuine.append(signed)
        else:
            findings.add("bad_signature", row["size"], "", f"the head over {row['size']} events is not the publisher's")
    return genuine


def _checked_leaves(service: str, page: Sequence[Any], after: int, findings: _Findings) -> list[bytes]:
    leaves = []
    for row in page:
        if row["position"] != after + 1:
            detail = f"position {row['position']} follows position {after}"
            findings.add("position_gap", after + 1, row["stream_key"], detail)
        after = row["position"]
        leaf = _leaf(service, row)
        if leaf != row["leaf"] or row["other_leaf"] is not None:
            findings.add("hash_mismatch", after, row["stream_key"], "the copied event is not what was copied")
        leaves.append(leaf)
    return leaves


def _compare_root(head: TreeHead, tree: Frontier, findings: _Findings) -> None:
    if tree.root() != head.root:
        findings.add("hash_mismatch", head.size, "", f"the first {head.size} events are not what the publisher signed")


async def _compare_log(service: str, audit: Connection, publisher: Connection, findings: _Findings) -> int:
    """Compare leaf by leaf with the publisher's own rows, and return how many were compared."""
    compared, after = 0, 0
    async for page in _pages(audit, service):
        last = page[-1]["position"]
        rows = {r["position"]: r for r in await publisher.fetch(_LOG, after, last)}
        for copied in page:
            position = copied["position"]
            row = rows.get(position)
            if row is None:
                findings.add("position_gap", position, copied["stream_key"], "the publisher's log no longer has it")
            elif _leaf(service, row) != copied["leaf"]:
                findings.add("hash_mismatch", position, copied["stream_key"], "the publisher's log has changed it")
        compared, after = compared + len(page), last
    return compared


async def _length(publisher: Connection | None) -> int:
    if publisher is None:
        return 0
    length: int = await publisher.fetchval("SELECT coalesce(max(position), 0) FROM es.event")
    return length


async def _pages(audit: Connection, service: str) -> AsyncIterator[Sequence[Any]]:
    after = 0
    while rows := await audit.fetch(_COPY, service, after):
        yield rows
        after = rows[-1]["position"]


def _leaf(service: str, row: Any) -> bytes:
    return leaf_hash(
        service, row["position"], row["stream_key"], row["version"], row["debtor_id"], row["type"],
        row["schema_version"], microseconds(row["occurred_at"]), microseconds(row["recorded_at"]), row["data"],
        row["meta"],
    )  # fmt: skip
