"""The starter strategies, as data: what to try on which day of a treatment. Pure.

Only lawful, ordinary contacts stand here: text messages and calls to the debtor. What the source text calls deterrence
(public notices, relatives, the workplace, threats) has no channel and no template. Whether a planned step may happen on
its day is decided by outreach's gate, never here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from arrears.events.scoring import ContactChannel, Segment, TreatmentStep

CHANNELS: Final[frozenset[ContactChannel]] = frozenset(("sms", "voice"))
STOPS: Final = ("loan_cured", "promise_open", "case_held")
CHAMPION: Final = "champion"


class InvalidStrategy(ValueError):
    """A strategy that could not be followed, or that names a channel a strategy may not use."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One version of a strategy; `step_days` are days after the treatment began, `valid_for` is how long it may be followed."""

    strategy_id: str
    version: int
    steps: tuple[TreatmentStep, ...]
    valid_for: timedelta = timedelta(days=120)

    def __post_init__(self) -> None:
        if not self.strategy_id or self.version < 1 or not self.steps:
            raise InvalidStrategy(f"{self.strategy_id!r} needs a name, a version from 1 and at least one step")
        if [step.no for step in self.steps] != list(range(1, len(self.steps) + 1)):
            raise InvalidStrategy(f"{self.strategy_id}: steps must be numbered from 1 without a gap")
        offsets = [step.offset_days for step in self.steps]
        if offsets[0] < 0 or any(later <= earlier for earlier, later in pairwise(offsets)):
            raise InvalidStrategy(f"{self.strategy_id}: the days {offsets} must rise, one step a day at most")
        for step in self.steps:
            if step.channel not in CHANNELS:
                raise InvalidStrategy(f"{self.strategy_id}: {step.channel} is no channel of a strategy")
            if not step.template_id or not set(STOPS) <= set(step.stop_if):
                raise InvalidStrategy(f"{self.strategy_id}: step {step.no} needs a template and must stop on {STOPS}")
        if timedelta(days=offsets[-1]) >= self.valid_for:
            raise InvalidStrategy(f"{self.strategy_id}: the last step lies outside its validity")


def _strategy(strategy_id: str, *steps: tuple[int, ContactChannel, str]) -> Strategy:
    return Strategy(
        strategy_id,
        version=1,
        steps=tuple(
            TreatmentStep(no=no, offset_days=day, channel=channel, template_id=template, stop_if=STOPS)
            for no, (day, channel, template) in enumerate(steps, start=1)
        ),
    )


# A debtor in the light segment gets a week to pay after the first notice before anybody calls (self-cure window).
STRATEGIES: Final[dict[Segment, Strategy]] = {
    "light": _strategy(
        "light-remind",
        (0, "sms", "overdue-notice"), (4, "sms", "overdue-reminder"), (8, "voice", "collection-call"),
        (15, "sms", "overdue-reminder"), (22, "voice", "collection-call"), (30, "sms", "payment-options"),
    ),
    "moderate": _strategy(
        "moderate-call",
        (0, "sms", "overdue-notice"), (2, "voice", "collection-call"), (6, "voice", "collection-call"),
        (10, "sms", "payment-options"), (15, "voice", "collection-call"), (21, "sms", "overdue-reminder"),
    ),
    "severe": _strategy(
        "severe-call",
        (0, "sms", "overdue-notice"), (1, "voice", "collection-call"), (5, "voice", "collection-call"),
        (9, "sms", "payment-options"), (14, "voice", "collection-call"),
    ),
}  # fmt: skip

# After a strategy has ended and going further would cost more than it brings: a message now and then.
FOLLOW_UP: Final = _strategy(
    "low-cost-follow-up",
    (14, "sms", "payment-options"),
    (44, "sms", "overdue-reminder"),
    (74, "sms", "overdue-reminder"),
)
