"""Records are dated by how their log grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.growth import MOST_LOOKS, Growth

if TYPE_CHECKING:
    from eventconsumer_operator.records import Place

PLACE: Place = ("task-events", 0)


def grown(*looks: tuple[int, float], first: int = 0) -> Growth:
    growth = Growth()
    for end, at in looks:
        growth.note({PLACE: end}, [(PLACE, first)], at=at)
    return growth


def test_a_record_between_two_ends_was_written_between_the_two_looks() -> None:
    growth = grown((100, 1000.0), (110, 1010.0))
    assert growth.written_at((PLACE, 104)) == 1005.0
    assert growth.written_at((PLACE, 109)) == 1010.0


def test_what_came_before_the_first_look_has_no_date() -> None:
    assert grown((100, 1000.0), (110, 1010.0)).written_at((PLACE, 99)) is None


def test_a_log_that_stands_still_dates_a_record_from_the_last_time_it_had_not_come() -> None:
    growth = grown((100, 1000.0), (100, 1500.0), (110, 1510.0))
    assert growth.written_at((PLACE, 104)) == 1505.0


def test_a_log_is_moving_while_it_grows_from_look_to_look() -> None:
    growth = grown((100, 1000.0), (110, 1010.0))
    assert growth.moving(PLACE)
    growth.note({PLACE: 110}, [(PLACE, 0)], at=1020.0)
    assert not growth.moving(PLACE)


def test_a_later_topic_of_the_same_name_begins_anew() -> None:
    growth = grown((100, 1000.0), (110, 1010.0), (5, 1020.0), (9, 1030.0))
    assert growth.written_at((PLACE, 104)) is None
    assert growth.written_at((PLACE, 8)) == 1030.0


def test_where_everybody_has_read_everything_only_the_newest_end_is_kept() -> None:
    growth = Growth()
    for number in range(50):
        growth.note({PLACE: number * 10}, [], at=1000.0 + number)
    assert len(growth._looks[PLACE]) == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200))
def test_however_long_a_group_lags_its_record_keeps_its_date_and_few_looks_are_kept(steps: list[int]) -> None:
    growth, end, at = grown((10, 0.0), first=10), 10, 0.0
    for step in steps:
        end, at = end + step, at + 10.0
        growth.note({PLACE: end}, [(PLACE, 10)], at=at)

    dated = growth.written_at((PLACE, 10))
    assert dated is not None
    assert 0.0 <= dated <= at
    assert len(growth._looks[PLACE]) <= MOST_LOOKS
