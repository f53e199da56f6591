"""What outreach refuses. Pure.

Refusal
├── NotFound          UnknownAttempt, NoCaseKnown
├── InvalidCommand    PromiseInvalid
├── CaseNotOpen       the person has no open collection case, or the loan is not in it
├── PermitReleased    the permit was given back because nothing was sent under it
├── ContactOutsidePermit
├── PromiseTooFar     a part falls due beyond the lender's horizon
├── PromiseAboveDebt  more is promised than is owed
└── PromiseAlreadyOpen
"""

from __future__ import annotations

from arrears.refusals import InvalidCommand, NotFound, Refusal


class UnknownAttempt(NotFound):
    """No permit of that id is known (or it is older than a week)."""


class NoCaseKnown(NotFound):
    """No loan of this person was ever overdue, as far as outreach has heard."""


class CaseNotOpen(Refusal):
    """The person has no open collection case, or the loan is not part of it."""


class PermitReleased(Refusal):
    """The permit was given back because nothing was sent under it."""


class ContactOutsidePermit(Refusal):
    """The contact began before its permit or after its end."""


class PromiseInvalid(InvalidCommand):
    """A promise that contradicts itself: no parts, dates out of order or past, nothing promised."""


class PromiseTooFar(Refusal):
    """A part falls due beyond the horizon that the lender accepts."""


class PromiseAboveDebt(Refusal):
    """More is promised than the loan owes."""


class PromiseAlreadyOpen(Refusal):
    """The loan has an open promise that this one does not name as the one it replaces."""
