"""A receiver that is down is asked ever less often, by one event at a time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.sinks.breaker import Breaker, backoff


def breaker(*, failures: int = 0) -> Breaker:
    made = Breaker(lambda: 1.0, first=2.0, longest=60.0, failures=5)
    for _ in range(failures):
        made.begin()
        made.failed(now=0.0)
    return made


def test_a_few_failures_leave_it_closed() -> None:
    made = breaker(failures=4)
    assert not made.is_open
    assert made.wait(0.0) == 0.0


def test_many_failures_in_a_row_open_it_for_a_while() -> None:
    made = breaker(failures=5)
    assert made.is_open
    assert (made.wait(0.0), made.wait(1.5), made.wait(2.0)) == (2.0, 0.5, 0.0)


def test_a_success_in_between_starts_the_count_anew() -> None:
    made = breaker(failures=4)
    made.succeeded()
    made.failed(0.0)
    assert not made.is_open


def test_when_the_pause_is_over_one_probe_goes_and_the_others_wait_for_it() -> None:
    made = breaker(failures=5)
    made.begin()
    assert made.wait(100.0) is None
    made.succeeded()
    assert not made.is_open
    assert made.wait(100.0) == 0.0


def test_each_probe_that_fails_makes_the_pause_longer_up_to_a_minute() -> None:
    made = breaker(failures=4)
    pauses = []
    for _ in range(10):
        made.begin()
        made.failed(now=0.0)
        pauses.append(made.wait(0.0))
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]


def test_a_receiver_that_asks_for_time_gets_it_without_a_failure() -> None:
    made = breaker(failures=4)
    made.pause(now=10.0, seconds=7.0)
    assert made.wait(10.0) == 7.0
    assert not made.is_open


def test_a_probe_that_is_answered_with_a_wish_for_time_is_followed_by_another() -> None:
    made = breaker(failures=5)
    made.begin()
    made.pause(now=10.0, seconds=7.0)
    assert made.is_open
    assert (made.wait(10.0), made.wait(17.0)) == (7.0, 0.0)


def test_of_two_wishes_for_time_the_longer_one_counts() -> None:
    made = breaker()
    made.pause(now=10.0, seconds=20.0)
    made.pause(now=11.0, seconds=1.0)
    assert made.wait(11.0) == 19.0


def test_a_receiver_that_is_down_for_weeks_is_still_asked() -> None:
    made = breaker(failures=50_000)
    assert made.wait(0.0) == 60.0


@given(st.lists(st.floats(0, 0.999), min_size=2, max_size=60))
def test_pauses_are_spread_over_half_their_length_and_bounded(chances: list[float]) -> None:
    pauses = [
        backoff(attempt, first=0.5, longest=30.0, chance=chance)
        for attempt, chance in enumerate(chances, start=1)
    ]
    assert all(0.25 <= pause <= 30.0 for pause in pauses)
    assert all(later >= earlier / 2 for earlier, later in pairwise(pauses))
