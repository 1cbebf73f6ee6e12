"""The token bucket of all writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.pace import Pace


def test_a_burst_goes_at_once_and_the_rest_one_after_the_other() -> None:
    pace = Pace(per_second=10, burst=3)
    assert [round(pace.take(100.0), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_a_rest_fills_the_bucket_and_never_overfills_it() -> None:
    pace = Pace(per_second=10, burst=3)
    for _ in range(3):
        pace.take(0.0)
    assert pace.take(0.1) == 0
    assert [round(pace.take(1e6), 3) for _ in range(4)] == [0, 0, 0, 0.1]


def test_what_can_wait_is_told_to_wait_while_half_of_the_burst_is_gone() -> None:
    pace = Pace(per_second=1, burst=4)
    assert pace.spare(0.0)
    for _ in range(3):
        pace.take(0.0)
    assert not pace.spare(0.0)
    assert pace.spare(1.0)


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=300))
def test_no_second_sees_more_than_the_burst_and_a_second_s_worth(pauses: list[float]) -> None:
    pace, now, turns = Pace(per_second=20, burst=5), 0.0, []
    for pause in pauses:
        now += pause
        turns.append(now + pace.take(now))
    assert turns == sorted(turns)
    for start in turns:
        assert sum(start <= turn < start + 0.999 for turn in turns) <= 5 + 20
