"""Check the next events of the copy and grow the tree over them."""

from __future__ import annotations

from datetime import timedelta

from audit.domain.checks import causes_of, check_run, dense_run
from audit.use_cases.ports import Memory, Report


async def check_copy(
    service: str, memory: Memory, report: Report, services: frozenset[str], allowed_backstep: timedelta | None
) -> bool:
    """Check one page, report what is wrong with it, and say whether there was one.

    A violation is reported before the page is kept: a crash in between reports it again, which changes nothing. The tree
    grows over what was received, right or wrong, because the comparison with the signed head must show the difference.
    """
    progress = await memory.progress(service)
    run = dense_run(await memory.page(service, progress.checked), progress.checked)
    if not run:
        return False
    before = await memory.versions_before(service, {event.stream_key for event in run}, progress.checked)
    for violation in check_run(run, before, progress.recorded_at, allowed_backstep):
        await report(service, violation)
    await memory.keep(service, run, list(causes_of(run, services)))
    return True
