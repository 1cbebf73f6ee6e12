"""How fast records come and go, told from looks at a group."""

from __future__ import annotations

from math import inf

from eventconsumer_operator.throughput import drained_in, handled, stands_still, written
from eventconsumer_operator.verdict import LOOKS, NOWHERE, Look
from tests.unit.operator.builders import looked


def places(*each: tuple[tuple[int, ...], tuple[int, ...]], since: float = 5000.0) -> list[Look]:
    """Build looks ten seconds apart, each at the positions and the unread records of all partitions."""
    return [
        Look(since + 10.0 * number, sum(unread), 0, positions, unread)
        for number, (positions, unread) in enumerate(each)
    ]


def test_rates_are_records_a_second_of_all_partitions() -> None:
    window = places(((0, 100), (50, 0)), ((20, 100), (40, 0)), ((60, 140), (90, 60)))

    assert handled(window) == (60 + 40) / 20
    assert written(window) == (100 + 100) / 20


def test_a_partition_without_a_position_and_one_that_went_back_count_for_nothing() -> None:
    window = places(((NOWHERE, 500, 0), (0, 0, 0)), ((900, 100, 30), (0, 0, 0)))

    assert handled(window) == 3


def test_one_look_tells_no_rate() -> None:
    assert (handled([]), written(places(((5,), (5,)))), drained_in(places(((5,), (5,))))) == (None, None, inf)


def test_lag_is_gone_when_it_would_be_gone_at_the_pace_of_the_last_looks() -> None:
    falling = [looked(lag, at=5000.0 + 10 * at) for at, lag in enumerate((9000, 400, 300, 200, 100))]

    assert drained_in(falling) == 10
    assert drained_in(falling[:1] + falling) == 10
    assert drained_in(falling[::-1]) == inf


def test_a_group_stands_still_where_no_partition_moved_while_records_waited_all_the_time() -> None:
    still = [((7, 3), (4, 5))] * LOOKS

    assert stands_still(places(*still))
    assert not stands_still(places(*still[1:]))
    assert not stands_still(places(((6, 3), (5, 5)), *still[1:]))
    assert not stands_still(places(((7, 3), (0, 0)), *still[1:]))
