"""Keeps what the scaling by lag has to remember from one look to the next, for each EventConsumer.

The number of workers itself is remembered by the resource's own status, so another operator, or this one
after a restart, goes on from there; only the time until a step down begins anew then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.lag import UNKNOWN
from eventconsumer_operator.models import seconds
from eventconsumer_operator.names import ScalingReason
from eventconsumer_operator.scaling import Decision, History, Rules, Seen, decide
from eventconsumer_operator.status_models import ScalingStatus

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest, Scaling
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.world import World


class Autoscaler:
    """Decides how many workers each EventConsumer has that leaves it to lag."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._histories: dict[ObjectKey, History] = {}

    def decide(self, key: ObjectKey, world: World, *, now: datetime, at: float) -> Decision | None:
        """Decide for one EventConsumer, ``at`` being a clock that never goes back; None where it asks not."""
        scaling = world.consumer.spec.scaling
        if scaling is None:
            self.forget(key)
            return None
        current = _current(world, scaling)
        halted = _halted(world)
        if halted is not None:
            self.forget(key)
            return Decision(current, None, halted)
        rules = Rules(scaling.min, scaling.max, scaling.target_lag, seconds(scaling.scale_down_after))
        history = self._histories.get(key, History())
        decision, self._histories[key] = decide(rules, _seen(world, current, now), history, at=at)
        return decision

    def forget(self, key: ObjectKey) -> None:
        """Forget an EventConsumer."""
        self._histories.pop(key, None)

    def clear(self) -> None:
        """Forget all of them, since what was seen before a gap proves nothing about it."""
        self._histories.clear()


def scaling_status(world: World, *, now: datetime) -> ScalingStatus | None:
    """Return what the status says about scaling; None where spec.scaling is not set."""
    decision = world.scaled
    if decision is None:
        return None
    before = world.status.get("scaling") or {}
    changed = before.get("desired", decision.desired) != decision.desired
    return ScalingStatus(
        desired=decision.desired,
        current=world.count("replicas"),
        wanted=decision.wanted,
        reason=decision.reason,
        message=decision.message,
        last_scale_time=stamp(now) if changed else before.get("lastScaleTime"),
    )


def _halted(world: World) -> ScalingReason | None:
    if world.consumer.spec.paused:
        return ScalingReason.PAUSED
    return ScalingReason.GROUP_CONFLICT if world.group_owner is not None else None


def _current(world: World, scaling: Scaling) -> int:
    """Return how many workers were asked for last; at the beginning as many as run."""
    before: Manifest = world.status.get("scaling") or {}
    if "desired" in before:
        return int(before["desired"])
    running: int | None = (world.deployment or {}).get("spec", {}).get("replicas")
    return max(scaling.min, min(scaling.max, running or world.consumer.spec.replicas))


def _seen(world: World, current: int, now: datetime) -> Seen:
    seen = world.observation
    scaled_at = (world.status.get("scaling") or {}).get("lastScaleTime")
    return Seen(
        current=current,
        lag=seen.lag if seen else UNKNOWN,
        window=seen.window if seen else (),
        since_scaled=(now - datetime.fromisoformat(scaled_at).astimezone(UTC)).total_seconds()
        if scaled_at
        else inf,
        ready=world.count("availableReplicas") >= current,
        one_volume=world.consumer.spec.worker.has_volume,
    )
