"""The transition time moves only when the status flips."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from eventconsumer_operator.conditions import Answer, conditions, stamp
from eventconsumer_operator.names import ConditionType
from tests.unit.operator.builders import NOW

EARLIER = stamp(NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("True", "True", EARLIER, id="an unchanged status keeps its time"),
        pytest.param("True", "False", stamp(NOW), id="a status that flips gets the time of now"),
        pytest.param("False", "True", stamp(NOW), id="and so when it flips back"),
        pytest.param(None, "True", stamp(NOW), id="a first status gets the time of now"),
    ],
)
def test_transition_time(before: str | None, after: Literal["True", "False"], expected: str) -> None:
    previous = [{"type": "Ready", "status": before, "lastTransitionTime": EARLIER}] if before else []
    answer = Answer(ConditionType.READY, after, "AnotherReason", "another message")

    [condition] = conditions([answer], previous=previous, generation=4, now=NOW)

    assert condition.last_transition_time == expected
    assert (condition.reason, condition.observed_generation) == ("AnotherReason", 4)
