"""Load the sample into a running system: `python -m arrears_local.sample`. A second run changes nothing."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.table import Table

from arrears_local.cli.output import data, talk
from arrears_local.refusals import LocalRefusal
from arrears_local.sample.load import load_sample
from arrears_local.sample.summary import summary


def main() -> int:
    """Return the exit code."""
    try:
        data.print(asyncio.run(_load()))
    except LocalRefusal as refusal:
        talk.print(f"{refusal.message}; {refusal.remedy}", markup=False)
        return refusal.exit_code
    return 0


async def _load() -> Table:
    today = await load_sample(os.environ, lambda text: talk.print(text, markup=False))
    return await summary(os.environ, today)


if __name__ == "__main__":
    sys.exit(main())
