"""Countersign the newest head found right, as a witness."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arrears.tree.heads import countersign
from audit.domain.checkpoint import SignCheckpoint, may_sign
from audit.use_cases.ports import Checkpoints, Memory


async def sign_checkpoint(
    service: str, memory: Memory, checkpoints: Checkpoints, key: Ed25519PrivateKey, now: datetime
) -> None:
    """Publish a checkpoint if one is due.

    A log that grew only by checkpoints about itself is left alone: signing them would make it grow for ever.
    """
    signed = await memory.verified_head(service)
    if signed is None:
        return
    head, state = signed.head, await checkpoints.state(service)
    if not may_sign(state, head.size, now) or not await memory.grew_by_others(service, state.signed_size, head.size):
        return
    command = SignCheckpoint(
        service, head.size, head.root.hex(), signed.signature.hex(), head.at, countersign(head, now, key).hex(), now
    )
    await checkpoints.execute(service, command)
