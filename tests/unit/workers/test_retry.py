"""Pauses grow, never beyond their limit, and are spread over their whole length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.retry import Backoff


@given(st.integers(1, 10_000))
def test_a_pause_is_at_most_what_the_attempts_have_grown_to(failures: int) -> None:
    backoff = Backoff(attempts=5, initial=0.5, longest=30)
    assert 0 <= backoff.pause(failures) <= min(30, 0.5 * 2 ** min(failures - 1, 20))


def test_pauses_are_spread() -> None:
    backoff = Backoff(attempts=5, initial=8, longest=8)
    pauses = [backoff.pause(1) for _ in range(200)]
    assert min(pauses) < 2
    assert max(pauses) > 6


def test_the_last_attempt_is_the_last() -> None:
    backoff = Backoff(attempts=3, initial=1, longest=1)
    assert [backoff.exhausted(attempt) for attempt in (1, 2, 3, 4)] == [False, False, True, True]
