"""Judge the signed heads that publishers sent: signature first, then the root over audit's own copy."""

from __future__ import annotations

from arrears.tree.heads import is_genuine
from audit.domain.checkpoint import Violation
from audit.use_cases.ports import Keys, Memory, Report


async def verify_heads(service: str, memory: Memory, keys: Keys, report: Report) -> None:
    """Judge every head up to the size of the copy; a larger one waits, as does one whose signer's key is not deployed."""
    progress = await memory.progress(service)
    key = keys.of(service)
    if key is None:
        return
    verified = progress.verified
    for signed in await memory.pending_heads(service):
        size = signed.head.size
        if not is_genuine(signed, key):
            detail = f"the head over {size} events is not signed by the publisher's key"
            await report(service, Violation(kind="bad_signature", position=size, detail=detail))
            await memory.judge(signed, "bad_signature")
        elif size > progress.checked:
            return
        elif await memory.root_at(service, size) == signed.head.root:
            await memory.judge(signed, "ok")
            verified = max(verified, size)
        else:
            # One root says that something differs, not where; the leaves say it (`arrears audit verify`).
            first = min(verified, size - 1) + 1
            detail = f"positions {first} to {size} are not what the publisher signed"
            await report(service, Violation(kind="hash_mismatch", position=first, detail=detail))
            await memory.judge(signed, "hash_mismatch")
