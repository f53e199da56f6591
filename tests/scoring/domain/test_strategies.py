"""The starter strategies, and what no strategy may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from arrears.events.scoring import TreatmentStep
from scoring.domain.segments import SEGMENTS
from scoring.domain.strategies import CHANNELS, FOLLOW_UP, STOPS, STRATEGIES, InvalidStrategy, Strategy


def test_each_segment_that_the_table_gives_has_a_strategy() -> None:
    assert {segment for row in SEGMENTS.rows for segment in row} == set(STRATEGIES)


@pytest.mark.parametrize("strategy", [*STRATEGIES.values(), FOLLOW_UP])
def test_starter_strategies_use_messages_and_calls_only(strategy: Strategy) -> None:
    assert {step.channel for step in strategy.steps} <= {"sms", "voice"} == CHANNELS
    assert all(set(step.stop_if) == set(STOPS) for step in strategy.steps)


def test_a_light_debtor_has_a_week_before_the_first_call() -> None:
    first_call = next(step for step in STRATEGIES["light"].steps if step.channel == "voice")
    assert first_call.offset_days >= 7


STEP = TreatmentStep(no=1, offset_days=0, channel="sms", template_id="overdue-notice", stop_if=STOPS)


def step(**changes: Any) -> TreatmentStep:
    return msgspec.structs.replace(STEP, **changes)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step(no=2),),
        (STEP, step(no=3, offset_days=4)),
        (step(offset_days=-1),),
        (STEP, step(no=2, offset_days=0)),
        (step(offset_days=5), step(no=2, offset_days=4)),
        (step(channel="visit"),),
        (step(channel="letter"),),
        (step(template_id=""),),
        (step(stop_if=("loan_cured",)),),
        (step(offset_days=30),),
    ],
)
def test_a_strategy_that_cannot_be_followed_is_refused(steps: tuple[TreatmentStep, ...]) -> None:
    with pytest.raises(InvalidStrategy):
        Strategy("s", version=1, steps=steps, valid_for=timedelta(days=30))


def test_a_strategy_has_a_name_and_a_version() -> None:
    with pytest.raises(InvalidStrategy):
        Strategy("", version=1, steps=(STEP,))
    with pytest.raises(InvalidStrategy):
        Strategy("s", version=0, steps=(STEP,))
