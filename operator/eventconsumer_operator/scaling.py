"""How many workers a consumer should have, told from its lag. Pure: same in, same out.

Each change costs a rebalance, in which nobody consumes, so a change has to be worth it:

* A partition has one reader. One with as much lag as a worker may have deserves a worker, all smaller lags
  together as many as they fill; beyond that a further worker would only watch.
* Up at once, at most doubled (or by four) in one step, and not again before the last step shows its effect;
  not at all while lag will be gone within half a minute, or while the workers commit nothing.
* Down only when, for the whole of ``scale_down_after``, fewer would have done, also for what is written
  meanwhile; at most by half in one step. To 0 only where ``min`` is 0 and nothing waited or was written.
* Lag that is unknown, or known in part, changes nothing, and the time to scale down begins anew. Only where
  no worker runs does one come back for records that wait and for a partition without a committed offset:
  nobody but a worker gives it one, so none would come back ever after.
* Never more than the topic has partitions, and never a second worker on one volume.

Messages hold no figures of the moment: each change of one would be a write.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf
from typing import TYPE_CHECKING

from eventconsumer_operator.lag import LagState
from eventconsumer_operator.names import ScalingReason
from eventconsumer_operator.throughput import drained_in, handled, stands_still, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_operator.lag import Lag
    from eventconsumer_operator.verdict import Look

SETTLING = 30.0
"""Seconds until a change of the number of workers shows in lag."""
SOON = 30.0
"""Lag that is gone in so many seconds is not worth a rebalance."""
STEP = 4
"""How many workers may always be added at once; many more than that are doubled."""
_TOLERANCE = 1.1
_BUSY = 0.8
"""The share of what a worker can handle that it should be asked for in the long run."""

MESSAGES = {
    ScalingReason.AS_WANTED: "as many workers run as lag calls for",
    ScalingReason.NEARLY: "lag calls for hardly more workers than there are",
    ScalingReason.MAX: "lag calls for more workers than spec.scaling.max",
    ScalingReason.MIN: "lag calls for fewer workers than spec.scaling.min",
    ScalingReason.PARTITIONS: "more workers than the topic has partitions would idle",
    ScalingReason.ONE_VOLUME: "the audit log is one file on one volume, which one worker can write",
    ScalingReason.HOT_PARTITION: (
        "most of the lag is on too few partitions (see status.partitions); a partition has one reader, so"
        " more workers would not help"
    ),
    ScalingReason.LAG_UNKNOWN: "lag is not known on all partitions, so the number of workers is held",
    ScalingReason.AWAKE: "records wait, or a partition has no committed offset yet, so one worker runs",
    ScalingReason.STABILIZING: "fewer workers would do, and have not for all of spec.scaling.scaleDownAfter",
    ScalingReason.SETTLING: "workers have come or gone, and it does not show in lag yet",
    ScalingReason.DRAINING: "lag will be gone before more workers could help",
    ScalingReason.STALLED: "no committed offset moves, so more workers would not help",
    ScalingReason.STEPWISE: "workers are added or taken away in steps",
    ScalingReason.THROUGHPUT: "fewer workers could not handle what is written",
    ScalingReason.PAUSED: "spec.paused is true, so no worker runs; afterwards as many run as desired says",
    ScalingReason.GROUP_CONFLICT: "an older EventConsumer has the consumer group, so no worker runs",
}


@dataclass(frozen=True)
class Rules:
    """What the resource asks for."""

    min: int
    max: int
    target_lag: int
    scale_down_after: float


@dataclass(frozen=True)
class Seen:
    """What a decision is made from."""

    current: int
    """How many workers were asked for last."""
    lag: Lag
    window: tuple[Look, ...]
    since_scaled: float = inf
    """Seconds since that number changed."""
    ready: bool = True
    """Whether as many are ready."""
    one_volume: bool = False


@dataclass(frozen=True)
class History:
    """What was seen of one consumer; losing it only delays the next step down."""

    needs: tuple[tuple[float, int], ...] = ()
    """When so many workers were needed last, the most first."""
    worker_rate: float | None = None
    """Records a second that one worker handled when it had enough to do."""

    def need(self, at: float, count: int) -> History:
        """Note that so many workers are needed now."""
        return replace(self, needs=(*(entry for entry in self.needs if entry[1] > count), (at, count)))

    def since(self, at: float) -> History:
        """Forget what was needed before a time."""
        return replace(self, needs=tuple(entry for entry in self.needs if entry[0] > at))


@dataclass(frozen=True)
class _Limit:
    most: int
    reason: ScalingReason


@dataclass(frozen=True)
class Decision:
    """How many workers should run, and why not another number."""

    desired: int
    wanted: int | None
    """How many lag calls for, before anything limits that; None where lag is not known."""
    reason: ScalingReason
    again: float | None = None
    """In how many seconds a step can be due without any news."""

    @property
    def message(self) -> str:
        """Return the reason as a sentence."""
        return MESSAGES[self.reason]


def decide(rules: Rules, seen: Seen, history: History, *, at: float) -> tuple[Decision, History]:
    """Decide how many workers should run; ``at`` is in seconds on a clock that never goes back."""
    if not history.needs:
        history = history.need(at, seen.current)
    if seen.lag.state is not LagState.KNOWN or seen.lag.total is None:
        decision = _held_blindly(rules, seen)
        return decision, history.need(at, max(decision.desired, seen.current))
    history = _learn(seen, history)
    wanted = ceil(seen.lag.total / rules.target_lag)
    limit = _limit(rules, seen)
    floor = min(rules.min, limit.most)
    if not floor <= seen.current <= limit.most:
        decision = _clamped(seen, floor, limit, wanted)
    elif wanted <= seen.current:
        return _down(rules, seen, history, at=at, wanted=wanted)
    else:
        decision = _up(rules, seen, limit, wanted)
    return decision, history.need(at, max(wanted, seen.current))


def _held_blindly(rules: Rules, seen: Seen) -> Decision:
    """Hold the number of workers while lag is not known, but for the one without whom it never will be."""
    held = max(min(seen.current, rules.max), rules.min)
    if rules.min == 0 and held <= 1 and (seen.lag.state is LagState.UNCOMMITTED or seen.lag.total):
        return Decision(1, None, ScalingReason.AWAKE)
    return Decision(held, None, ScalingReason.LAG_UNKNOWN)


def _limit(rules: Rules, seen: Seen) -> _Limit:
    """Return how many workers there may be at most, whatever lag calls for."""
    limits = [_Limit(rules.max, ScalingReason.MAX)]
    if seen.one_volume:
        limits.append(_Limit(1, ScalingReason.ONE_VOLUME))
    if seen.lag.partitions:
        limits.append(_Limit(seen.lag.partitions, ScalingReason.PARTITIONS))
    return min(limits, key=lambda limit: limit.most)


def _shared(seen: Seen, limit: _Limit, target: int) -> _Limit:
    """Return how many workers could share the lag, a partition having one reader."""
    each = seen.window[-1].unread if seen.window else (seen.lag.total or 0,)
    small = sum(unread for unread in each if unread < target)
    useful = sum(unread >= target for unread in each) + ceil(small / target)
    return _Limit(useful, ScalingReason.HOT_PARTITION) if useful < limit.most else limit


def _clamped(seen: Seen, floor: int, limit: _Limit, wanted: int) -> Decision:
    if seen.current > limit.most:
        return Decision(limit.most, wanted, limit.reason)
    return Decision(floor, wanted, ScalingReason.MIN if wanted < floor else ScalingReason.STEPWISE)


def _up(rules: Rules, seen: Seen, limit: _Limit, wanted: int) -> Decision:
    """Decide while lag calls for more workers than there are."""
    current = seen.current
    limit = _shared(seen, limit, rules.target_lag)
    if current and (seen.lag.total or 0) <= rules.target_lag * current * _TOLERANCE:
        return Decision(current, wanted, ScalingReason.NEARLY)
    if limit.most <= current:
        return Decision(current, wanted, limit.reason)
    if current and (waiting := _not_yet(seen)):
        left = max(1.0, SETTLING - seen.since_scaled) if waiting is ScalingReason.SETTLING else None
        return Decision(current, wanted, waiting, again=left)
    desired = min(wanted, limit.most, max(2 * current, current + STEP))
    if desired == wanted:
        return Decision(desired, wanted, ScalingReason.AS_WANTED)
    return Decision(desired, wanted, limit.reason if desired == limit.most else ScalingReason.STEPWISE)


def _not_yet(seen: Seen) -> ScalingReason | None:
    """Tell why more workers would not help now, although there are partitions for them."""
    if not seen.ready or seen.since_scaled < SETTLING:
        return ScalingReason.SETTLING
    if stands_still(seen.window):
        return ScalingReason.STALLED
    return ScalingReason.DRAINING if drained_in(seen.window) <= SOON else None


def _down(rules: Rules, seen: Seen, history: History, *, at: float, wanted: int) -> tuple[Decision, History]:
    current, floor = seen.current, min(rules.min, seen.current)
    arriving = _for_arrival(seen, history)
    need = max(wanted, arriving)
    history = history.since(at - rules.scale_down_after).need(at, need)
    stable = max(count for _, count in history.needs)
    if max(need, floor) >= current:
        # Once nothing is written any more, nothing new is seen that would have it looked at again.
        again = SETTLING if arriving > max(wanted, floor) else None
        return Decision(current, wanted, _held(wanted, arriving, floor, current), again), history
    waits = [rules.scale_down_after - seen.since_scaled]
    waits += [rules.scale_down_after - (at - when) for when, count in history.needs if count >= current]
    if stable >= current or max(waits) > 0:
        return Decision(current, wanted, ScalingReason.STABILIZING, again=max(1.0, *waits)), history
    desired = max(stable, floor, current // 2)
    if desired > max(need, floor):
        reason = ScalingReason.STABILIZING if desired == stable else ScalingReason.STEPWISE
        return Decision(desired, wanted, reason, again=rules.scale_down_after), history
    return Decision(desired, wanted, _held(wanted, arriving, floor, desired)), history


def _held(wanted: int, arriving: int, floor: int, desired: int) -> ScalingReason:
    if wanted >= desired:
        return ScalingReason.AS_WANTED
    return ScalingReason.THROUGHPUT if arriving >= desired and arriving > floor else ScalingReason.MIN


def _for_arrival(seen: Seen, history: History) -> int:
    """Return how many workers what is written keeps busy, at most as many as there are."""
    rate = written(seen.window)
    if not rate:
        return 0
    if not history.worker_rate:
        return min(1, seen.current)
    return min(seen.current, ceil(rate / (history.worker_rate * _BUSY)))


def _learn(seen: Seen, history: History) -> History:
    """Learn what a worker can handle while each of them has records waiting."""
    recent = _since_scaled(seen)
    if (
        seen.current
        and seen.ready
        and all(sum(unread > 0 for unread in look.unread) >= seen.current for look in recent)
    ):
        rate = handled(recent)
        if rate:
            return replace(history, worker_rate=rate / seen.current)
    return history


def _since_scaled(seen: Seen) -> Sequence[Look]:
    """Return the looks at the workers that there are now, after they had begun."""
    if not seen.window:
        return ()
    begun = seen.window[-1].at - seen.since_scaled + SETTLING
    return [look for look in seen.window if look.at >= begun]
