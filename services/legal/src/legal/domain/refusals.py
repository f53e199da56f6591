"""What legal refuses, beside the refusals of every approval (arrears.approvals)."""

from __future__ import annotations

from arrears.refusals import NotFound, Refusal


class ProposalNotFound(NotFound):
    """No proposal has this id."""


class LegalCaseNotFound(NotFound):
    """No legal case has this id."""


class NothingToClaim(Refusal):
    """None of the proposal's loans is overdue any more, as far as legal has heard."""


class NoDayClosed(Refusal):
    """Legal has not heard of any closed business day, so it cannot tell what is owed as of when."""
