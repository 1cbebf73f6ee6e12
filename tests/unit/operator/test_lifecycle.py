"""kopf's patience with a failing API server."""

from __future__ import annotations

from itertools import pairwise

from eventconsumer_operator.handlers.lifecycle import Backoffs


def test_retries_go_on_for_ten_minutes_with_at_most_twelve_seconds_between_them() -> None:
    delays = list(Backoffs())
    assert sum(delays) >= 600
    assert max(delays) <= 12


def test_every_request_gets_a_series_of_its_own() -> None:
    backoffs = Backoffs()
    first, second = next(iter(backoffs)), next(iter(backoffs))
    assert first < 1
    assert second < 1


def test_delays_vary_so_that_operators_do_not_retry_in_step() -> None:
    late = list(Backoffs())[10:]
    assert any(one != other for one, other in pairwise(late))
