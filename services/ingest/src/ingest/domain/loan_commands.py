"""What may be asked of a loan account. Pure.

`closed_on` is the last business day closed for the debtor's partition, as the caller knows it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from arrears.events import ingest as e
from ingest.domain.allocation import DEFAULT_POLICY
from ingest.domain.schedule import Instalment, Terms


class BookLoan(msgspec.Struct, frozen=True):
    """Enter a loan with its first schedule; again with the same terms changes nothing."""

    terms: Terms
    external_ref: str
    source: str
    product: str
    payment_reference: str
    instalments: tuple[Instalment, ...]
    closed_on: date | None = None


class ChangeSchedule(msgspec.Struct, frozen=True):
    """Replace what falls due from `effective_on` on, and every instalment whose number comes again."""

    change_ref: str
    effective_on: date
    instalments: tuple[Instalment, ...]
    closed_on: date | None = None


class ScheduleInstalment(msgspec.Struct, frozen=True):
    """Set one instalment and leave the others, for a host that tells them one by one."""

    change_ref: str
    instalment: Instalment
    closed_on: date | None = None


class PostRepayment(msgspec.Struct, frozen=True):
    """Take money in. `posting_ref` makes a repetition recognisable; `txn` is the name a reversal will use.

    `known_on` is the date on which it was told: money with a later value date waits for it.
    """

    posting_ref: str
    txn: str
    amount_minor: int
    currency: str
    value_on: date
    received_at: datetime
    known_on: date
    channel: e.Channel = "transfer"
    payer_kind: e.PayerKind = "debtor"
    policy_id: str = DEFAULT_POLICY
    closed_on: date | None = None


class ReverseRepayment(msgspec.Struct, frozen=True):
    """Take a repayment back as of `value_on`; if that is not after its own value date it counts as never made."""

    txn: str
    reversal_ref: str
    value_on: date
    reason: Literal["bounce", "chargeback", "error", "clawback"]
    closed_on: date | None = None


class ChargeFee(msgspec.Struct, frozen=True):
    """Add a fee under a clause of the contract."""

    fee_ref: str
    kind: str
    amount_minor: int
    currency: str
    charged_on: date
    contract_clause: str
    closed_on: date | None = None


class AgeLoan(msgspec.Struct, frozen=True):
    """Account for the close of business day `day`."""

    day: date


class CompareWithHost(msgspec.Struct, frozen=True):
    """Compare the host's overdue amount (scheduled components and fees) at the close of `as_of` with our own."""

    overdue_minor: int
    as_of: date


LoanCommand = (
    BookLoan
    | ChangeSchedule
    | ScheduleInstalment
    | PostRepayment
    | ReverseRepayment
    | ChargeFee
    | AgeLoan
    | CompareWithHost
)
