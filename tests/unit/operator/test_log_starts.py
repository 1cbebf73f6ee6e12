"""How long the start of a log is good for."""

from __future__ import annotations

from eventconsumer_operator.log_starts import GOOD_FOR_SECONDS, LogStarts

PLACES = [("task-events", 0), ("task-events", 1)]


def knowing(*starts: int) -> LogStarts:
    known = LogStarts()
    known.learn(dict(zip(PLACES, starts, strict=False)), asked=PLACES, at=0.0)
    return known


def test_starts_that_were_never_asked_for_are_asked_for() -> None:
    assert LogStarts().unknown(PLACES, unread=[], at=0.0) == set(PLACES)


def test_starts_are_good_for_a_while() -> None:
    assert knowing(3, 4).unknown(PLACES, unread=PLACES, at=GOOD_FOR_SECONDS - 1) == set()
    assert knowing(3, 4).unknown(PLACES, unread=PLACES, at=GOOD_FOR_SECONDS) == set(PLACES)


def test_a_start_is_asked_for_again_only_where_records_wait() -> None:
    assert knowing(3, 4).unknown(PLACES, unread=[], at=1e6) == set()
    assert knowing(3, 4).unknown(PLACES, unread=PLACES[:1], at=1e6) == {PLACES[0]}


def test_a_partition_without_an_answer_is_absent_and_asked_for_again() -> None:
    known = knowing(3)
    assert known.of(PLACES) == {PLACES[0]: 3}
    assert known.unknown(PLACES, unread=[], at=1.0) == {PLACES[1]}


def test_a_start_beyond_the_end_belongs_to_an_earlier_topic_of_the_name() -> None:
    assert knowing(300, 4).outdated({PLACES[0]: 10, PLACES[1]: 4}) == {PLACES[0]}
    assert knowing(300).outdated({PLACES[0]: 10, PLACES[1]: 4}) == {PLACES[0]}
