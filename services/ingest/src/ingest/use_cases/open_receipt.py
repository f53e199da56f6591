"""Keep money that names no loan we know: a person will decide."""

from __future__ import annotations

from arrears.decider import StreamRef
from arrears.eventstore.work import Cause, Work
from arrears.values.identity import partition_of
from ingest.domain.receipt import UNMATCHED_RECEIPT, OpenUnmatchedReceipt


async def open_receipt(money: OpenUnmatchedReceipt, cause: Cause, work: Work) -> bool:
    """Open the receipt; returns False when it was open before. It belongs to no debtor: its id chooses the partition."""
    receipt = StreamRef(UNMATCHED_RECEIPT, money.receipt_id, "", partition_of(money.receipt_id, work.partitions))
    return bool(await work.execute(receipt, money, cause, effective_on=money.value_on))
