"""The rules of lag, one by one and for any offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.lag import (
    LISTED,
    Lag,
    LagState,
    Listed,
    Offsets,
    PartitionLag,
    lag,
    unread,
    worst,
)

OFFSETS = st.builds(
    Offsets,
    committed=st.none() | st.integers(0, 1000),
    start=st.none() | st.integers(0, 1000),
    end=st.none() | st.integers(0, 1000),
    hollow=st.booleans(),
)
TOPICS = st.dictionaries(st.integers(0, 5), OFFSETS, max_size=5)
STARTS = st.sampled_from(["earliest", "latest"])
COUNTS = st.integers(0, 2**40)

CASES: dict[str, tuple[dict[int, Offsets], str, Lag]] = {
    "unread records of all partitions are added up": (
        {0: Offsets(5, 0, 10), 1: Offsets(7, 0, 8)},
        "earliest",
        Lag(LagState.KNOWN, total=6, highest=5, partitions=2),
    ),
    "a group that read everything has no lag": (
        {0: Offsets(10, 0, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=0, highest=0, partitions=1),
    ),
    "without a commit, earliest counts from the log's start": (
        {0: Offsets(None, 4, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=6, highest=6, partitions=1),
    ),
    "without a commit, latest counts nothing and says so": (
        {0: Offsets(None, 0, 10), 1: Offsets(8, 0, 10)},
        "latest",
        Lag(LagState.UNCOMMITTED, total=2, highest=2, partitions=2),
    ),
    "a partition without an answer makes the lag partial": (
        {0: Offsets(5, 0, 10), 1: Offsets(5, None, None)},
        "earliest",
        Lag(LagState.PARTIAL, total=5, highest=5, partitions=2),
    ),
    "a partition that does not tell its end makes the lag partial": (
        {0: Offsets(5, 0, 10), 1: Offsets(5, 0, None)},
        "earliest",
        Lag(LagState.PARTIAL, total=5, highest=5, partitions=2),
    ),
    "a partition that does not tell its start makes the lag partial": (
        {0: Offsets(5, 0, 10), 1: Offsets(None, None, 10)},
        "earliest",
        Lag(LagState.PARTIAL, total=5, highest=5, partitions=2),
    ),
    "once all is committed, latest is known": (
        {0: Offsets(8, 0, 10)},
        "latest",
        Lag(LagState.KNOWN, total=2, highest=2, partitions=1),
    ),
    "a commit at the very beginning counts all records": (
        {0: Offsets(0, 0, 10), 1: Offsets(0, 4, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=16, highest=10, partitions=2, expired=4),
    ),
    "no answer at all is unknown and no number": (
        {0: Offsets(5, None, None)},
        "earliest",
        Lag(LagState.UNKNOWN, partitions=1),
    ),
    "a topic nobody can find is unknown": ({}, "earliest", Lag(LagState.UNKNOWN)),
    "records that expired unread are not lag but are said": (
        {0: Offsets(3, 8, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=2, highest=2, partitions=1, expired=5),
    ),
    "what is never delivered is no lag, and is kept beside it": (
        {0: Offsets(7, 0, 9, hollow=True), 1: Offsets(5, 0, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=5, highest=5, partitions=2, hollow=2),
    ),
    "a commit beyond the end is one of an earlier topic": (
        {0: Offsets(500, 0, 10)},
        "earliest",
        Lag(LagState.KNOWN, total=10, highest=10, partitions=1),
    ),
}


@pytest.mark.parametrize(("partitions", "start_from", "expected"), CASES.values(), ids=CASES.keys())
def test_lag_follows_its_rules(partitions: dict[int, Offsets], start_from: str, expected: Lag) -> None:
    assert lag(partitions, start_from=start_from) == expected


@given(TOPICS, STARTS)
def test_lag_is_never_negative(partitions: dict[int, Offsets], start_from: str) -> None:
    total = lag(partitions, start_from=start_from)
    assert total.total is None or 0 <= (total.highest or 0) <= total.total
    assert total.expired >= 0


@given(TOPICS, STARTS)
def test_lag_has_a_number_exactly_when_it_is_not_unknown(
    partitions: dict[int, Offsets], start_from: str
) -> None:
    total = lag(partitions, start_from=start_from)
    assert (total.total is None) == (total.state is LagState.UNKNOWN)


@given(TOPICS, STARTS, st.integers(0, 1000))
def test_one_silent_partition_is_never_passed_over(
    partitions: dict[int, Offsets], start_from: str, committed: int
) -> None:
    silent = partitions | {9: Offsets(committed, None, None)}
    assert lag(silent, start_from=start_from).state in {LagState.PARTIAL, LagState.UNKNOWN}


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 100))
def test_records_that_arrive_between_the_two_questions_only_overstate_lag(
    start: int, committed: int, end: int, arrived: int
) -> None:
    before = lag({0: Offsets(committed, start, max(start, end, committed))}, start_from="earliest")
    after = lag({0: Offsets(committed, start, max(start, end, committed) + arrived)}, start_from="earliest")
    assert (after.total or 0) >= (before.total or 0)


@given(TOPICS, STARTS)
def test_the_raw_lag_is_never_less_than_the_lag(partitions: dict[int, Offsets], start_from: str) -> None:
    total = lag(partitions, start_from=start_from)
    assert (total.raw is None) == (total.total is None)
    assert (total.raw or 0) >= (total.total or 0)


def test_a_partition_without_an_answer_is_listed_first_and_then_the_one_that_lags_most() -> None:
    listed = worst(
        {0: Offsets(9, 0, 10), 1: Offsets(None, 2, 8), 2: Offsets(5, None, None)}, start_from="earliest"
    )
    assert [*listed] == [
        PartitionLag(2, None, 5, None, None),
        PartitionLag(1, 6, None, 2, 8),
        PartitionLag(0, 1, 9, 0, 10),
    ]


@given(st.lists(st.builds(PartitionLag, COUNTS, *[st.none() | COUNTS] * 4)))
def test_listed_figures_are_those_that_were_given_however_large(entries: list[PartitionLag]) -> None:
    listed = Listed(entries)
    assert [*listed] == entries
    assert listed[1:] == entries[1:]
    assert listed == Listed(entries)
    assert listed != Listed([*entries, PartitionLag(0, None, None, None, None)])


@given(st.dictionaries(st.integers(0, 99), OFFSETS, max_size=40), STARTS)
def test_no_partition_that_is_left_out_lags_more_than_one_that_is_listed(
    partitions: dict[int, Offsets], start_from: str
) -> None:
    listed = worst(partitions, start_from=start_from)
    assert len(listed) == min(LISTED, len(partitions))
    named = {entry.partition for entry in listed}
    answered = [entry for entry in partitions.values() if entry.start is not None and entry.end is not None]
    left_out = [entry for number, entry in partitions.items() if number not in named and entry in answered]
    # Partitions without an answer come before all others, and may fill the list.
    floors = [entry.lag for entry in listed if entry.lag is not None]
    assert not floors or all(unread(entry, start_from=start_from) <= min(floors) for entry in left_out)
