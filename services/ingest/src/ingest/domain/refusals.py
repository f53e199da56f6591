"""What ingest's decisions say no to."""

from __future__ import annotations

from arrears.refusals import InvalidCommand, NotFound, Refusal


class LoanUnknown(NotFound):
    """A fact came for a loan that was never booked."""


class LoanBookedDifferently(Refusal):
    """The loan is booked already, with other terms."""


class InvalidSchedule(InvalidCommand):
    """Instalment numbers repeat, due dates fall back, or something is due before the loan began."""


class CurrencyMismatch(InvalidCommand):
    """The amount is not in the loan's currency."""


class BeforeDisbursement(InvalidCommand):
    """The value date lies before the first day of the loan."""


class PostingChanged(Refusal):
    """The posting is known already, with another amount or value date."""


class RepaymentUnknown(NotFound):
    """A reversal names a repayment that this loan never received."""


class DayGoesBackwards(Refusal):
    """A later business day is closed already."""


class DebtorUnknown(NotFound):
    """The person was never registered."""


class FileUnreadable(InvalidCommand):
    """The file is not what its format says; nothing of it was taken."""


class FormatUnknown(InvalidCommand):
    """No reader knows the format."""


class KeyMissing(NotFound):
    """The person has no key (nothing was ever sealed), or it was destroyed."""
