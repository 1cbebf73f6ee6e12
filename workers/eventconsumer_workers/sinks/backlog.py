"""What waits for one sink: in order inside a key, oldest first between keys, and bounded by whoever adds.

Pure: time is given. Invariant: of one key at most one delivery is out at any time, and it is the oldest.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_workers.sinks import Notification


class Aside(NamedTuple):
    """Why a delivery is given up."""

    reason: str
    refused: bool
    """Whether the receiver will never take it; else it was tried or held for long enough."""
    attempts: int


@dataclass(eq=False, slots=True)
class Delivery:
    """One notification for one sink."""

    key: object
    """Deliveries of one key stay in order."""
    place: tuple[object, int]
    """The partition it comes from, at this time that it is ours, and the offset there."""
    notification: Notification
    settled: Callable[[Aside | None], None]
    """Called once: with None when the receiver has it, with the reason when it has to be set aside."""
    attempts: int = 0
    failures: int = 0
    """Attempts that failed while the sink was well."""
    ours: bool = True
    """Whether its partition is still ours; else it is not tried again."""
    number: int = 0
    """Its place in the order of arrival."""


@dataclass(eq=False, slots=True)
class _Line:
    """The deliveries of one key."""

    deliveries: deque[Delivery] = field(default_factory=deque)
    out: bool = False


class Backlog:
    """The waiting deliveries of one sink."""

    def __init__(self) -> None:
        self._lines: dict[object, _Line] = {}
        self._due: list[tuple[float, int, _Line]] = []
        self._numbers = itertools.count()
        self._length = 0

    def __len__(self) -> int:
        """Return the number of deliveries that are not settled, those that are out included."""
        return self._length

    def add(self, delivery: Delivery, now: float) -> None:
        """Put a delivery behind those of its key."""
        delivery.number = next(self._numbers)
        line = self._lines.setdefault(delivery.key, _Line())
        line.deliveries.append(delivery)
        self._length += 1
        if len(line.deliveries) == 1:
            self._schedule(line, now)

    def take(self, now: float) -> Delivery | None:
        """Return the delivery that has waited longest of those that may be tried now, and count it as out."""
        while self._due and self._due[0][0] <= now:
            _, _, line = heapq.heappop(self._due)
            if line.deliveries:
                line.out = True
                line.deliveries[0].attempts += 1
                return line.deliveries[0]
        return None

    def next_due(self) -> float | None:
        """Return when the next delivery may be tried; None when none waits."""
        return self._due[0][0] if self._due else None

    def done(self, delivery: Delivery, now: float) -> None:
        """Forget a delivery that was out, and let the next one of its key go."""
        line = self._lines[delivery.key]
        line.out = False
        line.deliveries.popleft()
        self._length -= 1
        if line.deliveries:
            self._schedule(line, now)
        else:
            del self._lines[delivery.key]

    def again(self, delivery: Delivery, at: float) -> None:
        """Put a delivery that was out back to the head of its key, not to be tried before a time."""
        line = self._lines[delivery.key]
        line.out = False
        self._schedule(line, at)

    def out(self) -> list[Delivery]:
        """Return the deliveries that are out."""
        return [line.deliveries[0] for line in self._lines.values() if line.out]

    def shed(self, count: int) -> list[Delivery]:
        """Take out the oldest deliveries that are not out."""
        waiting = sorted(
            delivery.number
            for line in self._lines.values()
            for place, delivery in enumerate(line.deliveries)
            if not (line.out and place == 0)
        )
        if not waiting or count <= 0:
            return []
        newest = waiting[min(count, len(waiting)) - 1]
        return self.drop(lambda delivery: delivery.number <= newest)

    def drop(self, unwanted: Callable[[Delivery], bool]) -> list[Delivery]:
        """Take out all unwanted deliveries that are not out, and return them, the oldest first."""
        taken: list[Delivery] = []
        for key, line in list(self._lines.items()):
            kept: deque[Delivery] = deque()
            for place, delivery in enumerate(line.deliveries):
                is_out = line.out and place == 0
                (taken if not is_out and unwanted(delivery) else kept).append(delivery)
            line.deliveries = kept
            if not kept:
                del self._lines[key]
        self._length -= len(taken)
        return sorted(taken, key=lambda delivery: delivery.number)

    def _schedule(self, line: _Line, at: float) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), line))
