"""Records that will expire unread are told of in time, and nothing is claimed that is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.lag import Lag, LagState, PartitionLag
from eventconsumer_operator.retention import Retention, retention_risk
from eventconsumer_operator.verdict import Look

DAY = 86400
WEEK = Retention(7 * DAY, None)
SMALL = Retention(None, 1_000_000)
BEHIND = Lag(LagState.KNOWN, total=50, highest=50, partitions=1)
SETTINGS = {"retention.ms": "604800000", "retention.bytes": "-1", "cleanup.policy": "delete"}


def ages(*behind: int | None, moving: int = 0, written: int = 1) -> tuple[Look, ...]:
    """Build looks ten seconds apart at one partition; so many records are read and written between two."""
    return tuple(
        Look(at * 10.0, 50, age, (at * moving,), (50 + at * (written - moving),))
        for at, age in enumerate(behind)
    )


def stopped(behind: int) -> tuple[Look, ...]:
    return ages(*(behind - 30 + 10 * at for at in range(4)))


def said(
    window: tuple[Look, ...],
    retention: Retention | None = WEEK,
    *,
    lag: Lag = BEHIND,
    worst: tuple[PartitionLag, ...] = (),
    before: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    answers = retention_risk(lag, window, retention, worst, previous=before)
    return [(answer.reason, answer.message) for answer in answers]


@pytest.mark.parametrize(
    ("left", "words"), [(30, "a minute"), (200, "5 minutes"), (3000, "an hour"), (DAY + 9, "2 days")]
)
def test_the_time_left_is_told_in_steps(left: int, words: str) -> None:
    [(reason, message)] = said(stopped(7 * DAY - left))

    assert reason == "ExpiringByTime"
    assert f"expire in less than {words} by" in message


SAFE = {
    "a stopped group with days to go": stopped(DAY),
    "a group that gets on faster than time": ages(7 * DAY - 90, 7 * DAY - 95, 7 * DAY - 99, 7 * DAY - 110),
    "a first record that comes with an old time": (
        *(Look(at * 10.0, 0, 0, (9,), (0,)) for at in range(4)),
        Look(40.0, 1, DAY, (9,), (1,)),
    ),
    "a first record that comes nearly too old to who had read all": (
        *(Look(at * 10.0, 0, 0, (9,), (0,)) for at in range(4)),
        Look(40.0, 1, 7 * DAY - 60, (9,), (1,)),
    ),
    "old records that come behind new ones": ages(10, 20, 30, DAY),
    "an age that nobody knows": ages(None, None, None, None),
    "too few looks to tell": stopped(7 * DAY - 30)[:2],
    "no look at all": (),
}


@pytest.mark.parametrize("window", SAFE.values(), ids=SAFE.keys())
def test_nothing_is_said_of(window: tuple[Look, ...]) -> None:
    assert said(window) == []


def test_a_slow_group_is_told_of_by_when_it_will_be_late() -> None:
    # A day is left, and the oldest record ages by half a second a second: two days; then one.
    slow = ages(*(6 * DAY + 5 * at for at in range(4)), moving=1)
    slower = ages(*(6 * DAY + DAY // 2 + 5 * at for at in range(4)), moving=1)

    assert said(slow) == []
    assert "less than a day" in said(slower)[0][1]


def test_records_that_are_too_old_already_may_go_at_any_moment() -> None:
    assert "less than a minute" in said(ages(*[7 * DAY + 5] * 4))[0][1]


def test_after_a_restart_what_was_said_holds() -> None:
    window = stopped(6 * DAY)[:1]

    assert said(window) == []
    assert [reason for reason, _ in said(window, before={"status": "True"})] == ["ExpiringByTime"]


def test_what_was_said_is_taken_back_when_more_than_a_third_of_the_time_is_left() -> None:
    told = {"status": "True"}

    assert said(stopped(7 * DAY - 2 * DAY), before=told) != []
    assert said(stopped(7 * DAY - 3 * DAY), before=told) == []


def test_the_message_moves_only_in_steps() -> None:
    assert len({said(stopped(6 * DAY + second))[0][1] for second in range(400, 40_000, 400)}) == 1


UNKNOWN = {
    "unknown retention": (None, BEHIND),
    "unknown lag": (WEEK, Lag(LagState.UNKNOWN)),
    "lag known in part": (WEEK, Lag(LagState.PARTIAL, 50, 50, 2)),
    "no lag": (WEEK, Lag(LagState.KNOWN, 0, 0, 1)),
    "no limit": (Retention(None, None), BEHIND),
}


@pytest.mark.parametrize(("retention", "lag"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_known_or_not_limited_is_no_risk(retention: Retention | None, lag: Lag) -> None:
    assert said(stopped(8 * DAY), retention, lag=lag) == []


def partition(committed: int | None, start: int, end: int) -> PartitionLag:
    return PartitionLag(0, end - max(committed or 0, start), committed, start, end)


SIZES = {
    "in the oldest quarter": (partition(1100, 1000, 2000), 0, True),
    "never committed": (partition(None, 1000, 2000), 0, True),
    "further on": (partition(1500, 1000, 2000), 0, False),
    "nothing was deleted yet": (partition(10, 0, 2000), 0, False),
    "reads as fast as is written": (partition(1100, 1000, 2000), 1, False),
}


@pytest.mark.parametrize(("entry", "moving", "risk"), SIZES.values(), ids=SIZES.keys())
def test_a_log_that_is_cut_by_size(entry: PartitionLag, moving: int, *, risk: bool) -> None:
    found = said(ages(5, 6, 7, 8, moving=moving), SMALL, worst=(entry,))

    assert [reason for reason, _ in found] == (["ExpiringBySize"] if risk else [])


SETTING = {
    "by time": ({}, Retention(604800.0, None)),
    "by both": ({"retention.bytes": "1000"}, Retention(604800.0, 1000)),
    "endless": ({"retention.ms": "-1"}, Retention(None, None)),
    "compacted and deleted": ({"cleanup.policy": "compact,delete"}, Retention(604800.0, None)),
    "only compacted": ({"cleanup.policy": "compact"}, None),
    "no number": ({"retention.ms": ""}, None),
}


@pytest.mark.parametrize(("settings", "expected"), SETTING.values(), ids=SETTING.keys())
def test_a_topics_settings_are_read(settings: dict[str, str], expected: Retention | None) -> None:
    assert Retention.of(SETTINGS | settings) == expected


def test_settings_that_may_not_be_read_are_unknown() -> None:
    assert Retention.of({}) is None


@given(st.lists(st.none() | st.integers(0, 10 * DAY), max_size=10), st.booleans())
def test_whatever_was_seen_a_risk_is_told_only_near_the_end(behind: list[int | None], told: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    before = {"status": "True"} if told else None

    if said(ages(*behind), before=before):
        assert behind[-1] is not None


def test_a_young_backlog_that_grows_old_fast_is_no_risk_yet() -> None:
    assert said(ages(0, 20, 40, 60)) == []
