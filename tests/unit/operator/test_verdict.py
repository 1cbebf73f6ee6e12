"""The verdict on any way a consumer can move, and how its window slides."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.lag import Lag, LagState, Offsets, lag
from eventconsumer_operator.models import Slo
from eventconsumer_operator.verdict import (
    LOOKS,
    MESSAGES,
    NOWHERE,
    Crew,
    Look,
    Objective,
    keeping_up,
    look,
    slide,
)
from tests.unit.operator.builders import looked

WORKING = Crew(replicas=1, members=1)


def moving(*lags: int, behind: int | None = 0) -> list[Look]:
    """Build looks at a group that commits all the time."""
    return [looked(entry, at=10.0 * number, behind=behind) for number, entry in enumerate(lags)]


def standing(*lags: int, position: int = 7) -> list[Look]:
    """Build looks at a group that commits nothing."""
    return [looked(entry, at=10.0 * number, position=position) for number, entry in enumerate(lags)]


def verdict(
    window: list[Look],
    *,
    crew: Crew = WORKING,
    previous: str | None = None,
    state: LagState = LagState.KNOWN,
    **slo: Any,
) -> tuple[str, str]:
    total = Lag(state, total=window[-1].lag if window and state is not LagState.UNKNOWN else None)
    said = keeping_up(total, window, Objective(**slo), crew=crew, previous=previous)
    return str(said.reason), said.status


CASES: dict[str, tuple[list[Look], dict[str, Any], tuple[str, str]]] = {
    "nothing unread": (standing(0), {}, ("CaughtUp", "True")),
    "nothing unread, for long": (standing(*[0] * LOOKS), {}, ("CaughtUp", "True")),
    "a few unread and moving": (moving(*[80] * LOOKS), {}, ("CaughtUp", "True")),
    "never asked": ([], {}, ("LagUnknown", "Unknown")),
    "unknown": (moving(600), {"state": LagState.UNKNOWN}, ("LagUnknown", "Unknown")),
    "few unread where some partition is silent": (
        moving(5),
        {"state": LagState.PARTIAL},
        ("LagUnknown", "Unknown"),
    ),
    "growing where some partition is silent": (
        moving(300, 400, 500, 600),
        {"state": LagState.PARTIAL},
        ("FallingBehind", "False"),
    ),
    "never committed from latest": (
        moving(0),
        {"state": LagState.UNCOMMITTED},
        ("Uncommitted", "Unknown"),
    ),
    "much unread at the first look": (moving(600), {}, ("Consuming", "Unknown")),
    "the same after a restart of the operator": (
        moving(600),
        {"previous": "FallingBehind"},
        ("FallingBehind", "False"),
    ),
    "falling": (moving(600, 500, 400, 300), {}, ("Recovering", "True")),
    "rising": (moving(300, 400, 500, 600), {}, ("FallingBehind", "False")),
    "a burst just came": (moving(0, 0, 0, 600), {}, ("Recovering", "True")),
    "a burst is worked off": (moving(0, 0, 900, 700, 500, 300), {}, ("Recovering", "True")),
    "a burst grows on": (moving(0, 0, 300, 500, 700, 900), {}, ("FallingBehind", "False")),
    "back within the objective just now": (moving(400, 300, 200, 90), {}, ("Recovering", "True")),
    "back within the objective just now, after falling behind": (
        moving(400, 300, 200, 90),
        {"previous": "FallingBehind"},
        ("Recovering", "True"),
    ),
    "noise in a recovery": (
        moving(300, 500, 400, 450),
        {"previous": "Recovering"},
        ("Recovering", "True"),
    ),
    "back within the objective for good": (moving(400, 90, 80, 90, 85), {}, ("CaughtUp", "True")),
    "back at nothing at once": (moving(400, 300, 0), {}, ("CaughtUp", "True")),
    "a plateau for a whole window": (moving(*[600] * LOOKS), {}, ("FallingBehind", "False")),
    "a plateau after a recovery": (
        moving(*[600] * LOOKS),
        {"previous": "Recovering"},
        ("FallingBehind", "False"),
    ),
    "slow and bumpy, and still less than before": (
        moving(600, 590, 605, 580, 585, 570, 590, 560, 565, 550),
        {"previous": "Recovering"},
        ("Recovering", "True"),
    ),
    "one dip in a backlog that grew": (
        moving(300, 400, 500, 600, 590),
        {"previous": "FallingBehind"},
        ("FallingBehind", "False"),
    ),
    "standing still for a window": (standing(*[3] * LOOKS), {}, ("Stalled", "False")),
    "standing still while the end moves": (standing(*range(1, LOOKS + 1)), {}, ("Stalled", "False")),
    "standing still for less than a window": (standing(*[3] * (LOOKS - 1)), {}, ("CaughtUp", "True")),
    "was at the end within the window": (standing(0, *[3] * (LOOKS - 1)), {}, ("CaughtUp", "True")),
    "standing still and nobody there": (
        standing(*[3] * LOOKS),
        {"crew": Crew(replicas=1, members=0)},
        ("Stopped", "False"),
    ),
    "standing still and nobody can tell who is there": (
        standing(*[3] * LOOKS),
        {"crew": Crew(replicas=1, members=None)},
        ("Stalled", "False"),
    ),
    "asked for none": (moving(3), {"crew": Crew(replicas=0, members=0)}, ("Stopped", "False")),
    "asked for none and nothing waits": (
        moving(0),
        {"crew": Crew(replicas=0, members=0)},
        ("CaughtUp", "True"),
    ),
    "asked for none, and somebody consumes": (
        moving(600),
        {"crew": Crew(replicas=0, members=1)},
        ("Consuming", "Unknown"),
    ),
    "offsets went back": (
        [looked(10, at=0, position=90), looked(60, at=10, position=40)],
        {},
        ("Rewound", "False"),
    ),
    "offsets went back and came to where they were": (
        [looked(10, at=0, position=90), looked(60, at=10, position=40), looked(9, at=20, position=91)],
        {},
        ("CaughtUp", "True"),
    ),
    "too old for the objective though few": (
        moving(*[5] * LOOKS, behind=301),
        {"max_behind": 300},
        ("FallingBehind", "False"),
    ),
    "recovering and too old for the objective": (
        moving(600, 500, 400, 300, behind=301),
        {"max_behind": 300},
        ("Recovering", "False"),
    ),
    "recovering and young enough": (
        moving(600, 500, 400, 300, behind=300),
        {"max_behind": 300},
        ("Recovering", "True"),
    ),
    "recovering and young enough by now": (
        [*moving(600, 500, 400, behind=400), looked(300, at=30, behind=299)],
        {"max_behind": 300},
        ("Recovering", "True"),
    ),
    "more than an objective of nothing": (moving(1), {"max_lag": 0}, ("Consuming", "Unknown")),
}


@pytest.mark.parametrize(("window", "given", "said"), CASES.values(), ids=CASES.keys())
def test_verdict(window: list[Look], given: dict[str, Any], said: tuple[str, str]) -> None:
    assert verdict(window, **given) == said


def test_one_partition_that_stands_still_is_not_hidden_by_those_that_move() -> None:
    window = [Look(10.0 * at, 9, 1, (at * 50, 7), (4, 5)) for at in range(LOOKS)]
    assert verdict(window) == ("Stalled", "False")


@pytest.mark.parametrize("before", range(1, LOOKS))
def test_a_partition_that_was_just_added_neither_stands_still_nor_went_back(before: int) -> None:
    window = [Look(10.0 * at, 5, 1, (at,), (5,)) for at in range(before)]
    window += [Look(10.0 * at, 8, 1, (at, 0), (5, 3)) for at in range(before, LOOKS)]
    assert verdict(window) == ("CaughtUp", "True")


LAGS = st.lists(st.integers(0, 2000), min_size=1, max_size=LOOKS)
PREVIOUS = st.sampled_from([None, *MESSAGES])


@given(lags=LAGS, previous=PREVIOUS, moves=st.booleans())
def test_a_consumer_with_unread_records_beyond_its_objective_is_never_caught_up(
    *, lags: list[int], previous: str | None, moves: bool
) -> None:
    reason, _ = verdict(moving(*lags) if moves else standing(*lags), previous=previous)
    assert reason != "CaughtUp" or lags[-1] <= 100


@given(LAGS, PREVIOUS)
def test_a_consumer_that_moves_forward_is_neither_stalled_nor_stopped_nor_rewound(
    lags: list[int], previous: str | None
) -> None:
    assert verdict(moving(*lags), previous=previous)[0] not in {"Stalled", "Stopped", "Rewound"}


@given(st.lists(st.floats(0.95, 1.05), min_size=LOOKS, max_size=60), st.integers(10_000, 10**6))
def test_noise_flips_the_verdict_only_where_it_looks_like_a_direction(noise: list[float], level: int) -> None:
    lags, said = [int(level * factor) for factor in noise], "FallingBehind"
    for end in range(LOOKS, len(lags) + 1):
        seen = lags[end - LOOKS : end]
        older, newer = seen[: LOOKS // 2], seen[LOOKS // 2 :]
        now = verdict(moving(*seen), previous=said)[0]
        if now == "Recovering" and said != "Recovering":
            assert max(newer) < min(older)
        said = now


@given(LAGS, PREVIOUS)
def test_the_same_look_again_never_changes_the_verdict_by_its_age(
    lags: list[int], previous: str | None
) -> None:
    window = moving(*lags)
    shifted = [
        Look(entry.at + 1e6, entry.lag, entry.behind, entry.positions, entry.unread) for entry in window
    ]
    assert verdict(window, previous=previous) == verdict(shifted, previous=previous)


def test_a_look_remembers_each_partition_at_its_number() -> None:
    offsets = {0: Offsets(5, 0, 10), 1: Offsets(None, None, None), 2: Offsets(None, 3, 8)}
    seen = look(offsets, lag(offsets, start_from="earliest"), start_from="earliest", behind=4, at=1.0)
    assert seen is not None
    assert list(seen.positions) == [5, NOWHERE, 3]
    assert list(seen.unread) == [5, 0, 5]
    assert (seen.at, seen.lag, seen.behind) == (1.0, 10, 4)


def test_a_group_that_starts_at_the_latest_record_does_not_rewind_with_its_first_commit() -> None:
    before, after = Offsets(None, 0, 100), Offsets(95, 0, 105)
    window: tuple[Look, ...] = ()
    for at, offsets in enumerate((before, after)):
        total = lag({0: offsets}, start_from="latest")
        seen = look({0: offsets}, total, start_from="latest", behind=0, at=10.0 * at)
        assert seen is not None
        window = slide(window, seen, every=10)
    assert verdict(list(window)) == ("CaughtUp", "True")


def from_latest(*committed: int) -> list[Look]:
    """Build looks at a group that starts at the latest record and has committed, with records waiting."""
    window = []
    for at, offset in enumerate(committed):
        offsets = {0: Offsets(offset, 0, max(committed) + 1)}
        total = lag(offsets, start_from="latest")
        window.append(look(offsets, total, start_from="latest", behind=0, at=10.0 * at))
    return [entry for entry in window if entry]


def test_a_group_that_starts_at_the_latest_record_is_judged_by_how_it_moves_once_it_committed() -> None:
    assert verdict(from_latest(90, 40)) == ("Rewound", "False")
    assert verdict(from_latest(*range(90, 90 + LOOKS))) == ("CaughtUp", "True")


def test_unknown_lag_is_not_remembered() -> None:
    offsets = {0: Offsets(5, None, None)}
    total = lag(offsets, start_from="earliest")
    assert look(offsets, total, start_from="earliest", behind=None, at=0) is None


@given(st.lists(st.floats(0.01, 25), max_size=80))
def test_a_window_ends_with_the_newest_look_and_its_looks_are_apart(pauses: list[float]) -> None:
    window: tuple[Look, ...] = ()
    at = 0.0
    for pause in pauses:
        at += pause
        window = slide(window, looked(1, at=at), every=10)
        assert window[-1].at == at
        assert len(window) <= LOOKS
    settled = [entry.at for entry in window[:-1]]
    assert all(later - earlier >= 9 for earlier, later in itertools.pairwise(settled))


def test_looks_from_before_a_long_silence_are_forgotten() -> None:
    window = slide((looked(5, at=0),), looked(5, at=1000), every=10)
    assert [entry.at for entry in window] == [1000]


@pytest.mark.parametrize("every", [10.0, 9.5], ids=["in time", "a little early"])
def test_looks_fill_the_window_also_where_rounds_begin_a_little_early(every: float) -> None:
    window: tuple[Look, ...] = ()
    for number in range(LOOKS + 2):
        window = slide(window, looked(1, at=every * number), every=10)
    assert [entry.at for entry in window] == [every * number for number in range(2, LOOKS + 2)]


def test_a_look_keeps_what_it_showed_where_the_one_before_showed_something_else() -> None:
    window = slide((looked(5, at=0, position=1),), looked(7, at=10, position=2), every=10)
    assert [(*entry.positions, *entry.unread) for entry in window] == [(1, 5), (2, 7)]


def test_equal_looks_share_what_they_hold() -> None:
    window = slide((looked(5, at=0, position=1),), looked(5, at=10, position=1), every=10)
    assert window[0].positions is window[1].positions


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("45s", 45), ("1h1m1s", 3661), (None, None)]
)
def test_an_age_is_written_as_kubernetes_writes_durations(text: str | None, seconds: int | None) -> None:
    assert Slo(max_behind=text).max_behind_seconds == seconds
