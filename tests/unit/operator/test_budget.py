"""When a status is worth a write."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.budget import LONGEST, write_due
from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.lag import PartitionLag
from tests.unit.operator.builders import NOW, deployment, observation, world
from tests.unit.operator.statuses import AWAY, UNSCHEDULABLE, said


def lagging(total: int, **fields: Any) -> dict[str, Any]:
    return {"observation": observation(total, **fields)}


def expired(records: int) -> dict[str, Any]:
    seen = observation(600)
    return {"observation": replace(seen, lag=replace(seen.lag, expired=records))}


UNTOLERATED: dict[str, Any] = copy.deepcopy(UNSCHEDULABLE)
UNTOLERATED["status"]["conditions"][0]["message"] = "no node is tolerated"
AT_ONCE, NEVER, SOON, LATE = 0.0, None, 4.0, LONGEST
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "nothing changed": ({}, {}, NEVER),
    "the state changed": ({}, {"deployment": deployment(ready=0)}, AT_ONCE),
    "lag became unknown": ({}, AWAY, AT_ONCE),
    "a member joined": ({}, lagging(0, members=2), AT_ONCE),
    "the verdict flipped": (
        lagging(600, earlier=(300, 400, 500)),
        lagging(600, earlier=(900, 800, 700)),
        AT_ONCE,
    ),
    "only the window moved on": (
        lagging(600, earlier=(300, 400, 500)),
        lagging(600, earlier=(400, 500, 550)),
        NEVER,
    ),
    "lag came to nothing, and it is called the same": (lagging(5), lagging(0), SOON),
    "lag came from nothing, and it is called the same": (lagging(0), lagging(5), SOON),
    "a dead letter came": ({}, lagging(0, dead_letters=1), AT_ONCE),
    "another dead letter came": (lagging(0, dead_letters=1), lagging(0, dead_letters=2), SOON),
    "lag moved far": (lagging(600), lagging(500), SOON),
    "lag moved within its band": (lagging(600), lagging(550), LATE),
    "only the committed offset and the log's end moved on": (
        lagging(0, worst=(PartitionLag(0, 0, 5, 0, 5),)),
        lagging(0, worst=(PartitionLag(0, 0, 6, 0, 6),)),
        LATE,
    ),
    "only the clock moved a little": (
        lagging(600, behind_seconds=100),
        lagging(600, behind_seconds=130),
        LATE,
    ),
    "only the clock moved, while it is young": (
        lagging(600, behind_seconds=30),
        lagging(600, behind_seconds=55),
        60.0,
    ),
    "only the clock moved far": (lagging(600, behind_seconds=100), lagging(600, behind_seconds=140), SOON),
    "the age became known": (
        lagging(600, behind_seconds=None),
        lagging(600, behind_seconds=9),
        SOON,
    ),
    "only how the age was told changed": (
        lagging(600, behind_seconds=9, behind_estimated=True),
        lagging(600, behind_seconds=9, behind_estimated=False),
        LATE,
    ),
    "pods complain about something else": (
        {"deployment": deployment(ready=0), "pods": (UNSCHEDULABLE,)},
        {"deployment": deployment(ready=0), "pods": (UNTOLERATED,)},
        AT_ONCE,
    ),
    "only a number in a message moved": (expired(50), expired(51), LATE),
}


@pytest.mark.parametrize(("before", "after", "due"), CHANGES.values(), ids=CHANGES.keys())
def test_when_a_status_is_written(before: dict[str, Any], after: dict[str, Any], due: float | None) -> None:
    old, new = said(world(**before)), said(world(**after))
    assert write_due(old, new, since_write=6.0, interval=10.0) == due


def test_only_another_time_of_asking_is_never_written() -> None:
    old = said(world())
    new = old | {"observedAt": stamp(NOW + timedelta(days=1))}
    assert write_due(old, new, since_write=1e6, interval=10.0) is None


def test_moving_lag_is_written_at_once_when_the_last_write_is_long_ago() -> None:
    old, new = said(world(**lagging(600))), said(world(**lagging(500)))
    assert write_due(old, new, since_write=11.0, interval=10.0) == 0


def test_what_trembles_inside_its_band_is_written_after_ten_minutes() -> None:
    old, new = said(world(**lagging(600))), said(world(**lagging(590)))
    new["observedAt"] = stamp(NOW + timedelta(seconds=599))
    assert write_due(old, new, since_write=599.0, interval=10.0) == 1
    new["observedAt"] = stamp(NOW + timedelta(seconds=600))
    assert write_due(old, new, since_write=600.0, interval=10.0) == 0


def test_the_first_status_of_a_resource_is_written_at_once() -> None:
    assert write_due({}, said(world()), since_write=float("inf"), interval=10.0) == 0


# Noise around slo.maxLag (100) itself changes the verdict, which is news.
@given(st.integers(20, 90) | st.integers(120, 10**9), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_noise_of_five_per_cent_stays_in_the_band(lag: int, one: float, other: float) -> None:
    # Whole records: rounding up would make more than five per cent of a few.
    old, new = said(world(**lagging(lag + int(lag * one)))), said(world(**lagging(lag + int(lag * other))))
    due = write_due(old, new, since_write=1e6, interval=10.0)
    assert due is None or due == LONGEST


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_written_is_never_more_than_a_tenth_off_for_longer_than_the_interval(
    before: int, after: int
) -> None:
    old, new = said(world(**lagging(before))), said(world(**lagging(after)))
    due = write_due(old, new, since_write=0.0, interval=10.0)
    if abs(after - before) > max(before, after) / 10:
        assert due is not None
        assert due <= 10.0


@given(st.sampled_from(["Ready", "KeepingUp", "ConsumersJoined"]), st.sampled_from(["status", "reason"]))
def test_a_flipped_condition_is_news_however_recent_the_last_write(kind: str, field: str) -> None:
    old = said(world())
    new = copy.deepcopy(old)
    next(entry for entry in new["conditions"] if entry["type"] == kind)[field] = "Other"
    assert write_due(old, new, since_write=0.0, interval=1e6) == 0
