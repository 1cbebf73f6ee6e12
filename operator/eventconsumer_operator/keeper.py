"""Keeps the position of a stopped consumer in Kafka, which forgets an empty group after some time.

A group that nobody was in for ``offsets.retention.minutes`` (a week, unless the cluster is set otherwise)
loses its offsets, and a consumer that was paused for so long would begin anew. While a resource wants no
worker, its empty group is renewed once a day, or four times in that time where it is shorter. The turns of
different resources are spread over the day, and nothing is written to Kubernetes.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from eventconsumer_operator.errands import RenewGroup

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from eventconsumer_operator.errands import Errands
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.questions import Target
    from eventconsumer_operator.world import World

DAY_SECONDS = 86400.0
_TURNS = 4


class Keeper:
    """Renews the groups of stopped consumers."""

    def __init__(self, errands: Errands, later: Callable[[ObjectKey, float], None]) -> None:
        """Run errands of its own, and call ``later`` for when a resource has to be looked at again."""
        self._errands = errands
        self._later = later

    def look(
        self,
        key: ObjectKey,
        world: World,
        target: Target | None,
        *,
        empty_since: datetime | None,
        now: datetime,
    ) -> None:
        """Renew the group where its turn has come; ``empty_since`` is None where no worker was ever seen."""
        if target is None or not kept(world):
            self._errands.call_off(key)
            return
        every = interval(world)
        number, left = turn(world.consumer.metadata.uid, every=every, at=now.timestamp())
        fresh = every - (now - empty_since).total_seconds() if empty_since else 0.0
        if fresh <= 0:
            self._errands.run(key, RenewGroup(target.access, target.group, target.topic, number))
        self._later(key, max(left, fresh) + 1.0)

    def call_off(self, key: ObjectKey) -> None:
        """Leave the group of a resource alone."""
        self._errands.call_off(key)

    async def stop(self) -> None:
        """End everything that is under way."""
        await self._errands.stop()


def kept(world: World) -> bool:
    """Tell whether a group is ours to keep: no worker is wanted, nobody is in it, and its topic is there."""
    seen = world.observation
    return bool(
        world.replicas == 0
        and world.group_owner is None
        and seen
        and seen.topic_exists
        and seen.group_state == "Empty"
        and not seen.members
    )


def interval(world: World) -> float:
    """Return how many seconds pass between two turns."""
    known = world.observation.offsets_kept if world.observation else None
    return min(DAY_SECONDS, known / _TURNS) if known else DAY_SECONDS


def turn(uid: str, *, every: float, at: float) -> tuple[int, float]:
    """Return the number of a resource's turn at a time, and in how many seconds the next one begins."""
    spread = zlib.crc32(uid.encode()) % 10_000 / 10_000 * every
    number, passed = divmod(at + spread, every)
    return int(number), every - passed
