"""Lag decides how many workers run, and each change is worth its rebalance."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.lag import Lag, LagState
from eventconsumer_operator.names import ScalingReason
from eventconsumer_operator.scaling import SETTLING, STEP, Decision, History, Rules, Seen, decide
from eventconsumer_operator.verdict import LOOKS, Look

RULES = Rules(min=1, max=10, target_lag=100, scale_down_after=300)


def window(*lags: tuple[int, ...], moving: int = 1, every: float = 10.0) -> tuple[Look, ...]:
    """Build looks ``every`` seconds apart; each partition handles ``moving`` records between two."""
    return tuple(
        Look(
            at=number * every,
            lag=sum(each),
            behind=0,
            positions=tuple(number * moving for _ in each),
            unread=each,
        )
        for number, each in enumerate(lags)
    )


def seen(current: int, *unread: int, looks: tuple[Look, ...] = (), **fields: object) -> Seen:
    """Build a view of a topic whose partitions have so many unread records each."""
    lag = Lag(LagState.KNOWN, total=sum(unread), highest=max(unread), partitions=len(unread))
    known = {"lag": lag, "window": looks or window(unread)} | fields
    return Seen(current=current, **known)  # type: ignore[arg-type]  # tests name the fields they are about


def first(rules: Rules, view: Seen) -> Decision:
    return decide(rules, view, History(), at=1000.0)[0]


UP = {
    "one more for lag of two": (seen(1, 100, 100), 2, ScalingReason.AS_WANTED),
    "four at once": (seen(1, *[100] * 9), 5, ScalingReason.STEPWISE),
    "doubled at once": (seen(5, *[100] * 10), 10, ScalingReason.AS_WANTED),
    "not for a tenth more": (seen(1, 55, 54), 1, ScalingReason.NEARLY),
    "no more than max": (seen(8, *[100] * 12), 10, ScalingReason.MAX),
    "no more than partitions": (seen(1, 500, 500, 500), 3, ScalingReason.PARTITIONS),
    "already one for each partition": (seen(3, 500, 500, 500), 3, ScalingReason.PARTITIONS),
    "one hot partition": (seen(1, 1000, 0, 0), 1, ScalingReason.HOT_PARTITION),
    "one hot partition and a little": (seen(1, 1000, 5, 5), 2, ScalingReason.HOT_PARTITION),
    "a hot partition takes nobody away": (seen(3, 1000, 0, 0, 0, 0), 3, ScalingReason.HOT_PARTITION),
    "one writer to a volume": (seen(1, 500, 500, one_volume=True), 1, ScalingReason.ONE_VOLUME),
    "the last step does not show yet": (seen(2, 500, 500, 500, since_scaled=9), 2, ScalingReason.SETTLING),
    "the last ones are not ready": (seen(2, 500, 500, 500, ready=False), 2, ScalingReason.SETTLING),
    "lag goes fast": (
        seen(1, 500, 500, looks=window((9000, 9000), (500, 500))),
        1,
        ScalingReason.DRAINING,
    ),
    "nothing is committed": (
        seen(1, 500, 500, looks=window(*[(500, 500)] * LOOKS, moving=0)),
        1,
        ScalingReason.STALLED,
    ),
}


@pytest.mark.parametrize(("view", "desired", "reason"), UP.values(), ids=UP.keys())
def test_workers_are_added_where_they_help(view: Seen, desired: int, reason: ScalingReason) -> None:
    decision = first(RULES, view)

    assert (decision.desired, decision.reason) == (desired, reason)


LIMITS = {
    "more than max run": (RULES, seen(12, *[0] * 20), 10, ScalingReason.MAX),
    "more than partitions run": (RULES, seen(5, 0, 0, 0), 3, ScalingReason.PARTITIONS),
    "min is more than partitions": (
        Rules(min=5, max=9, target_lag=100, scale_down_after=300),
        seen(1, 0, 0),
        2,
        ScalingReason.MIN,
    ),
    "fewer than min run": (
        Rules(min=2, max=9, target_lag=100, scale_down_after=300),
        seen(1, 0, 0, 0),
        2,
        ScalingReason.MIN,
    ),
}


@pytest.mark.parametrize(("rules", "view", "desired", "reason"), LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_holds_at_once(rules: Rules, view: Seen, desired: int, reason: ScalingReason) -> None:
    decision = first(rules, view)

    assert (decision.desired, decision.reason) == (desired, reason)


@pytest.mark.parametrize("state", [LagState.UNKNOWN, LagState.PARTIAL, LagState.UNCOMMITTED])
def test_lag_that_is_not_known_on_all_partitions_changes_nothing(state: LagState) -> None:
    lag = Lag(state, total=None if state is LagState.UNKNOWN else 9999, partitions=3)

    decision = first(RULES, Seen(current=2, lag=lag, window=()))

    assert decision == Decision(2, None, ScalingReason.LAG_UNKNOWN)


def test_the_time_to_scale_down_begins_anew_when_lag_was_unknown() -> None:
    unknown = Seen(current=4, lag=Lag(LagState.UNKNOWN), window=())
    _, history = decide(RULES, seen(4, 0, 0, 0, 0), History(), at=0)
    _, history = decide(RULES, unknown, history, at=250)

    before, history = decide(RULES, seen(4, 0, 0, 0, 0), history, at=540)
    after, _ = decide(RULES, seen(4, 0, 0, 0, 0), history, at=551)

    assert (before.desired, before.reason) == (4, ScalingReason.STABILIZING)
    assert after.desired == 2


def test_workers_go_after_the_time_and_by_half() -> None:
    desired, told = 8, []
    history, scaled_at = History(), -inf
    for at in range(0, 1600, 10):
        view = seen(desired, *[0] * 8, since_scaled=at - scaled_at)
        decision, history = decide(RULES, view, history, at=float(at))
        if decision.desired != desired:
            desired, scaled_at = decision.desired, at
            told.append((at, desired))

    assert told == [(300, 4), (600, 2), (900, 1)]


def test_a_peak_in_the_time_keeps_the_workers_that_it_needed() -> None:
    _, history = decide(RULES, seen(8, *[0] * 8), History(), at=0)
    _, history = decide(RULES, seen(8, *[75] * 8), history, at=200)

    decision, _ = decide(RULES, seen(8, *[0] * 8), history, at=310)

    assert (decision.desired, decision.reason) == (6, ScalingReason.STABILIZING)


def test_a_step_down_is_looked_for_again_without_any_news() -> None:
    _, history = decide(RULES, seen(2, 0, 0), History(), at=0)

    decision, _ = decide(RULES, seen(2, 0, 0), history, at=100)

    assert decision.again == 200


ZERO = Rules(min=0, max=10, target_lag=100, scale_down_after=300)


@pytest.mark.parametrize(("rules", "moving", "desired"), [(ZERO, 0, 0), (ZERO, 1, 1), (RULES, 0, 1)])
def test_the_last_worker_goes_only_where_that_is_asked_for_and_nothing_is_written(
    rules: Rules, moving: int, desired: int
) -> None:
    idle = seen(1, 0, looks=window((0,), (0,), moving=moving))
    _, history = decide(rules, idle, History(), at=0)

    decision, _ = decide(rules, idle, history, at=301)

    assert decision.desired == desired


def test_a_worker_that_stays_for_what_was_just_written_is_looked_at_again() -> None:
    decision = first(ZERO, seen(1, 0, looks=window((0,), (0,), moving=1)))

    assert (decision.desired, decision.again) == (1, SETTLING)


def test_one_record_wakes_a_consumer_from_zero() -> None:
    assert first(ZERO, seen(0, 1, 0, 0)).desired == 1


def not_known(current: int, state: LagState, total: int | None) -> Seen:
    return Seen(current=current, lag=Lag(state, total=total, highest=total, partitions=3), window=())


@pytest.mark.parametrize("current", [0, 1])
@pytest.mark.parametrize(
    ("state", "total"),
    [
        pytest.param(LagState.UNCOMMITTED, 5000, id="a partition was added while records wait on others"),
        pytest.param(LagState.UNCOMMITTED, 0, id="the topic was made again"),
        pytest.param(LagState.PARTIAL, 7, id="records wait on the partitions that answered"),
    ],
)
def test_one_worker_runs_where_only_a_worker_can_make_lag_known(
    current: int, state: LagState, total: int
) -> None:
    decision = first(ZERO, not_known(current, state, total))

    assert decision == Decision(1, None, ScalingReason.AWAKE)


@pytest.mark.parametrize(("state", "total"), [(LagState.UNKNOWN, None), (LagState.PARTIAL, 0)])
def test_nobody_is_woken_only_because_kafka_does_not_answer(state: LagState, total: int | None) -> None:
    decision = first(ZERO, not_known(0, state, total))

    assert decision == Decision(0, None, ScalingReason.LAG_UNKNOWN)


def test_who_was_woken_for_a_new_partition_goes_once_it_has_a_committed_offset() -> None:
    desired, told = 0, []
    history, scaled_at = History(), -inf
    for at in range(0, 2000, 10):
        new = not_known(desired, LagState.UNCOMMITTED, 0)
        view = new if at < 500 else seen(desired, 0, 0, 0, since_scaled=at - scaled_at)
        decision, history = decide(ZERO, view, history, at=float(at))
        if decision.desired != desired:
            desired, scaled_at = decision.desired, at
            told.append((at, desired))

    assert told == [(0, 1), (790, 0)]


def test_workers_stay_that_are_needed_for_what_is_written() -> None:
    # Two workers, each busy with 100 records in 10 seconds while lag was high.
    busy = seen(2, 500, 500, looks=window((500, 500), (500, 500), moving=100))
    _, history = decide(RULES, busy, History(), at=0)
    idle = seen(2, 0, 0, looks=window((0, 0), (0, 0), moving=80))
    _, history = decide(RULES, idle, history, at=10)

    decision, _ = decide(RULES, idle, history, at=900)

    assert (decision.desired, decision.reason) == (2, ScalingReason.THROUGHPUT)


@pytest.mark.parametrize(("written", "desired"), [(5, 1), (45, 2)], ids=["a trickle", "nearly all of one"])
def test_workers_go_that_are_not_needed_for_what_is_written(written: int, desired: int) -> None:
    # Two workers, each of which can handle 100 records in 10 seconds, and should be asked for 80 of them.
    busy = seen(2, 500, 500, looks=window((500, 500), (500, 500), moving=100))
    _, history = decide(RULES, busy, History(), at=0)
    idle = seen(2, 0, 0, looks=window((0, 0), (0, 0), moving=written))
    _, history = decide(RULES, idle, history, at=10)

    assert decide(RULES, idle, history, at=900)[0].desired == desired


def test_what_a_worker_can_handle_is_not_learned_from_a_time_when_others_ran() -> None:
    looks = window((500, 500), (500, 500), (500, 500), moving=100)
    for since_scaled in (0.0, 20.0):
        _, history = decide(RULES, seen(2, 500, 500, looks=looks, since_scaled=since_scaled), History(), at=0)
        assert history.worker_rate is None


def test_a_steady_load_leads_to_a_steady_number_of_workers() -> None:
    """Six partitions get 60 records a second each; a worker handles 100 a second."""
    position, end, desired = [0.0] * 6, [0.0] * 6, 1
    history, scaled_at, changes = History(), -inf, []
    looks: tuple[Look, ...] = ()
    for at in range(0, 7200, 10):
        end = [place + 600 for place in end]
        for number in range(desired):
            mine, room = range(number, 6, desired), 1000.0
            for place in mine:
                taken = min(end[place] - position[place], room)
                position[place], room = position[place] + taken, room - taken
        unread = tuple(int(e - p) for e, p in zip(end, position, strict=True))
        newest = Look(float(at), sum(unread), 0, tuple(int(p) for p in position), unread)
        looks = (*looks, newest)[-LOOKS:]
        view = seen(desired, *unread, looks=looks, since_scaled=at - scaled_at)
        decision, history = decide(RULES, view, history, at=float(at))
        if decision.desired != desired:
            desired, scaled_at = decision.desired, at
            changes.append((at, desired))

    assert desired >= 4
    assert [change for change in changes if change[0] > 3600] == []
    assert len(changes) <= 6


views = st.builds(
    lambda current, unread, since, ready, volume, known: Seen(
        current=current,
        lag=Lag(LagState.KNOWN if known else LagState.PARTIAL, sum(unread), max(unread), len(unread)),
        window=window(tuple(unread)),
        since_scaled=since,
        ready=ready,
        one_volume=volume,
    ),
    st.integers(0, 40),
    st.lists(st.integers(0, 10_000), min_size=1, max_size=20),
    st.sampled_from([0.0, SETTLING, 400.0, inf]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
rules = st.builds(
    lambda low, more, target: Rules(low, max(1, low + more), target, 300.0),
    st.integers(0, 10),
    st.integers(0, 20),
    st.integers(1, 5000),
)


@given(rules, st.lists(st.tuples(views, st.floats(0, 500)), min_size=1, max_size=8))
def test_whatever_is_seen_the_number_of_workers_is_a_sensible_one(
    rules: Rules, story: list[tuple[Seen, float]]
) -> None:
    history, at = History(), 0.0
    for view, passed in story:
        at += passed
        decision, history = decide(rules, view, history, at=at)
        most = min(rules.max, len(view.window[-1].unread), 1 if view.one_volume else rules.max)
        if view.lag.state is not LagState.KNOWN:
            least = 1 if view.lag.total else rules.min
            assert decision.desired == max(min(view.current, rules.max), rules.min, least)
            continue
        assert min(rules.min, most) <= decision.desired <= most
        assert decision.desired <= max(2 * view.current, view.current + STEP, rules.min)
        assert decision.desired > 0 or not view.lag.total
        if view.current <= most:
            assert decision.desired >= view.current // 2
        assert len(history.needs) <= 41


@given(views, st.floats(0, 299))
def test_nothing_goes_down_before_its_time(view: Seen, passed: float) -> None:
    _, history = decide(RULES, view, History(), at=0)

    decision, _ = decide(RULES, view, history, at=passed)

    most = min(RULES.max, len(view.window[-1].unread), 1 if view.one_volume else RULES.max)
    assert decision.desired >= min(view.current, most)
