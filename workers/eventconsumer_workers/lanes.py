"""Which event may be worked on next: one at a time for each key, in order, as many keys as there are hands.

Pure and without a clock; whoever shares it between threads holds a lock. The invariants: two events of a
lane are never in work together, a lane's events start in the order they came, and an event that is postponed
holds up its own lane and no other. A message without a key has a lane of its own: it was promised no order.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Record
    from eventconsumer_workers.watermark import Watermark


@dataclass(eq=False, slots=True)
class Item:
    """One event on its way through a lane."""

    event: Event
    record: Record
    partition: int
    offset: int
    mark: Watermark
    size: int = 0
    """Bytes of its message, for those who count them."""
    attempt: int = 1
    obstacles: int = 0
    """How often something around the worker stood in the way."""
    lane: Hashable = field(init=False)

    def __post_init__(self) -> None:
        key = self.record.key()
        self.lane = (self.partition, self.offset if key is None else key)


@dataclass(eq=False, slots=True)
class _Lane:
    items: deque[Item] = field(default_factory=deque)
    busy: bool = False
    gone: bool = False


class Lanes:
    """The events that wait and those in work."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}
        self._ready: deque[_Lane] = deque()
        self._postponed: list[tuple[float, int, _Lane]] = []
        self._sequence = 0
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many events wait or are in work."""
        return self._count

    @property
    def size(self) -> int:
        """The bytes of their messages."""
        return self._bytes

    def put(self, item: Item) -> None:
        """Add an event at the end of its key's lane."""
        self._count += 1
        self._bytes += item.size
        item.mark.queued += 1
        lane = self._lanes.get(item.lane)
        if lane is None:
            lane = self._lanes[item.lane] = _Lane()
            self._ready.append(lane)
        lane.items.append(item)

    def start(self, now: float) -> Item | None:
        """Return an event to work on now, or None when every lane waits or is empty."""
        while self._postponed and self._postponed[0][0] <= now:
            self._ready.append(heapq.heappop(self._postponed)[2])
        while self._ready:
            lane = self._ready.popleft()
            if not lane.gone:
                lane.busy = True
                item = lane.items[0]
                item.mark.highest_started = max(item.mark.highest_started, item.offset)
                return item
        return None

    def startable(self) -> bool:
        """Return whether some lane waits for nothing but a thread."""
        return any(not lane.gone for lane in self._ready)

    def next_start(self) -> float | None:
        """Return when a postponed lane can go on, or None when none is."""
        return self._postponed[0][0] if self._postponed else None

    def finish(self, item: Item) -> None:
        """Let the lane go on behind an event that was started."""
        lane = self._lanes[item.lane]
        lane.items.popleft()
        self._left(item)
        lane.busy = False
        if lane.items:
            self._ready.append(lane)
        else:
            del self._lanes[item.lane]

    def postpone(self, item: Item, until: float) -> None:
        """Let an event that was started, and its lane, wait until then."""
        lane = self._lanes[item.lane]
        lane.busy = False
        self._sequence += 1
        heapq.heappush(self._postponed, (until, self._sequence, lane))

    def drop(self, mark: Watermark, *, above: int = -1) -> None:
        """Forget the events of a partition at offsets above this one that are not in work."""
        for key, lane in list(self._lanes.items()):
            if lane.items[0].mark is not mark and lane.items[-1].mark is not mark:
                continue
            kept = deque(
                item
                for place, item in enumerate(lane.items)
                if (lane.busy and place == 0) or item.mark is not mark or item.offset <= above
            )
            for item in set(lane.items).difference(kept):
                self._left(item)
            lane.items = kept
            if not kept:
                lane.gone = True
                del self._lanes[key]

    def _left(self, item: Item) -> None:
        self._count -= 1
        self._bytes -= item.size
        item.mark.queued -= 1
