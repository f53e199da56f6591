"""Which fact starts which step: one table for the topics and for the files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from arrears.events import corebanking as native
from arrears.events.registry import Event
from ingest.adapters.vault import Vault, master_key
from ingest.use_cases.book_loan import book_loan
from ingest.use_cases.change_debtor import change_debtor
from ingest.use_cases.change_schedule import change_schedule
from ingest.use_cases.charge_fee import charge_fee
from ingest.use_cases.compare_with_host import compare_delinquency, take_instalment
from ingest.use_cases.post_repayment import post_repayment
from ingest.use_cases.reverse_repayment import reverse_repayment

VAULT: Final = Vault(lambda: master_key(os.environ))

STEPS: Final[Mapping[type[Event], Any]] = {
    native.LoanBooked: book_loan(VAULT),
    native.ScheduleChanged: change_schedule,
    native.RepaymentPosted: post_repayment,
    native.RepaymentReversed: reverse_repayment,
    native.FeePosted: charge_fee,
    native.DebtorChanged: change_debtor(VAULT),
    native.InstalmentFellDue: take_instalment,
    native.DelinquencyReported: compare_delinquency,
}
