"""Work by the batch on a thread of its own: messages are received and read while a disk or database is busy.

What queued up meanwhile is handed over as one batch, so a slow disk is asked less often and for more at once.

The invariants are those of ``Batches``: a partition's progress moves only after ``handle`` returned for it;
the handler is called by one thread at a time; and when a partition goes, what of it has not begun is dropped,
and what has begun ends first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from itertools import compress
from operator import methodcaller
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_workers.handlers import Batch, NotDone
from eventconsumer_workers.watermark import last_places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import BatchHandler, Observer, Record
    from eventconsumer_workers.sorting import Sorted
    from eventconsumer_workers.watermark import Place

_log = logging.getLogger(__name__)

_AT_ONCE = 1000
"""What is read at once stays in the processor's cache until it is sorted."""
_MOST_MESSAGES = 6000
_MOST_BYTES = 8 * 1024 * 1024
# What is queued at the end is worked on for so long at most; the rest comes again after the restart.
_GRACE_SECONDS = 5.0

_value = methodcaller("value")


class _Part(NamedTuple):
    """Messages that wait for their turn."""

    events: Sequence[Event]
    records: Sequence[Record]
    """As long as ``events``: the record of each."""
    places: Mapping[int, Place]
    """Where each partition stands behind them, with those that are no events."""
    messages: int
    size: int

    def without(self, partitions: Collection[int]) -> _Part:
        """Return the part of other partitions."""
        stays = [record.partition() not in partitions for record in self.records]
        places = {number: place for number, place in self.places.items() if number not in partitions}
        kept = list(compress(self.events, stays)), list(compress(self.records, stays))
        return _Part(*kept, places, len(kept[0]), _bytes_of(kept[1]))


def _bytes_of(records: Sequence[Record]) -> int:
    return sum(map(len, filter(None, map(_value, records))))


def _joined(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    events: list[Event] = []
    records: list[Record] = []
    places: dict[int, Place] = {}
    for part in parts:
        events += part.events
        records += part.records
        places |= part.places
    return _Part(
        events, records, places, sum(part.messages for part in parts), sum(part.size for part in parts)
    )


class Pipeline:
    """Queues messages for a handler and notes how far each partition is done."""

    def __init__(self, handler: BatchHandler, observer: Observer, still_ours: Callable[[], bool]) -> None:
        self._handler = handler
        self._observer = observer
        self._still_ours = still_ours
        self._changed = threading.Condition()
        self._queue: deque[_Part] = deque()
        self._working: _Part | None = None
        self._progress: dict[int, Place] = {}
        self._letters: list[Letter] = []
        self._obstacle: NotDone | None = None
        self._fault: BaseException | None = None
        self._attempts = 0
        self._ended = False
        threading.Thread(target=self._run, name="batches", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether messages wait or are in work."""
        return bool(self._queue) or self._working is not None

    def room(self) -> int:
        """Return how many messages it takes now."""
        with self._changed:
            return self._room()

    def await_room(self, seconds: float) -> None:
        """Wait until it takes as many as it can be given at once, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._room() == _AT_ONCE or self._stands(), seconds)

    def take(self, batch: Sorted) -> None:
        """Queue messages."""
        self._letters += batch.letters()
        events, records = batch.wanted()
        places = {place.partition: place for place in last_places(batch.records)}
        part = _Part(events, records, places, len(batch.records), _bytes_of(records))
        with self._changed:
            self._queue.append(part)
            self._observer.queued(self._count())
            self._changed.notify_all()

    def proceed(self) -> None:
        """Let what was not done be tried again; raise ``NotDone`` when it still is not."""
        with self._changed:
            if self._obstacle is not None:
                before, self._obstacle = self._attempts, None
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._attempts > before or not self.busy)
            if self._fault is not None:
                raise self._fault
            if self._obstacle is not None:
                raise NotDone(str(self._obstacle)) from self._obstacle

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""
        letters, self._letters = self._letters, []
        return letters

    def settled(self) -> None:
        """Note nothing: the loop commits a batch's progress when its letters are settled."""

    def progress(self) -> list[Place]:
        """Return how far partitions are done, where that changed since the last time."""
        with self._changed:
            places = list(self._progress.values())
            self._progress.clear()
            self._observer.queued(self._count())
        return places

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions; raise ``NotDone`` when the handler can't yet."""
        with self._changed:
            self._await_rest()
            return self._handler.assigned(partitions)

    def revoked(self, partitions: Collection[int]) -> None:
        """Give partitions back when what has begun has ended; what has not begun is for the next owner."""
        with self._changed:
            self._drop(partitions)
            self._handler.revoked(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        with self._changed:
            self._drop(partitions)
            for partition in partitions:
                self._progress.pop(partition, None)
            self._handler.lost(partitions)

    def finish(self) -> None:
        """Finish what is queued, as far as that ends soon, and let the thread end."""
        with self._changed:
            self._changed.wait_for(lambda: not self.busy or self._stands(), _GRACE_SECONDS)
            self._ended = True
            self._changed.notify_all()
            self._await_rest()
            if self._fault is not None:
                raise self._fault

    def _room(self) -> int:
        size = sum(part.size for part in self._all())
        return max(0, min(_AT_ONCE, _MOST_MESSAGES - self._count())) if size < _MOST_BYTES else 0

    def _count(self) -> int:
        return sum(part.messages for part in self._all())

    def _all(self) -> list[_Part]:
        return [*self._queue, *([] if self._working is None else [self._working])]

    def _stands(self) -> bool:
        return self._obstacle is not None or self._fault is not None

    def _await_rest(self) -> None:
        self._changed.wait_for(lambda: self._working is None)

    def _drop(self, partitions: Collection[int]) -> None:
        """Take what has not begun of partitions out of the queue, and wait for what has."""
        going = frozenset(partitions)
        waiting = deque(part.without(going) for part in self._queue)
        self._queue.clear()
        self._await_rest()
        # An attempt that failed meanwhile has put back what it was about.
        waiting.extendleft(part.without(going) for part in self._queue)
        self._queue = deque(part for part in waiting if part.places)
        self._changed.notify_all()

    def _run(self) -> None:
        while (part := self._next()) is not None:
            try:
                self._work(part)
            except NotDone as obstacle:
                self._end(part, obstacle=obstacle)
            except BaseException as fault:  # noqa: BLE001  # it ends the process, by the loop's thread
                self._end(part, fault=fault)
                return
            else:
                self._end(part)

    def _next(self) -> _Part | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or (bool(self._queue) and not self._stands()))
            if self._ended:
                return None
            self._working = _joined(self._queue)
            self._queue.clear()
            return self._working

    def _work(self, part: _Part) -> None:
        if not part.events:
            return
        if not self._still_ours():
            raise NotDone("it is unsure whether the partitions are still ours")
        started = time.perf_counter()
        self._handler.handle(Batch(part.events, part.records, self._still_ours))
        self._observer.handled(len(part.events), time.perf_counter() - started)

    def _end(
        self, part: _Part, *, obstacle: NotDone | None = None, fault: BaseException | None = None
    ) -> None:
        with self._changed:
            self._obstacle, self._fault = obstacle, fault
            if obstacle is None and fault is None:
                self._progress |= part.places
            else:
                self._queue.appendleft(part)
            self._working = None
            self._attempts += 1
            self._changed.notify_all()
