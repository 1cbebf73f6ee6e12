"""Work by the batch: the handler is given everything at once, on the thread that polls.

The invariant: a partition's progress moves over a batch only after ``handle`` returned for it, and what
belongs to a partition that went away meanwhile is neither handled nor counted as done.
"""

from __future__ import annotations

import time
from itertools import compress
from typing import TYPE_CHECKING

from eventconsumer_workers.handlers import Batch, NotDone
from eventconsumer_workers.watermark import last_places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import BatchHandler, Observer
    from eventconsumer_workers.sorting import Sorted
    from eventconsumer_workers.watermark import Place

_MESSAGES = 2000


class Batches:
    """Gives batches to a handler and notes how far each partition is done."""

    busy = False
    """Nothing goes on in work while messages are received."""

    def __init__(self, handler: BatchHandler, observer: Observer, still_ours: Callable[[], bool]) -> None:
        self._handler = handler
        self._observer = observer
        self._still_ours = still_ours
        self._progress: dict[int, Place] = {}
        self._gone: set[int] = set()
        self._letters: list[Letter] = []
        self._todo: Sorted | None = None

    def room(self) -> int:
        """Return how many messages it takes at once."""
        return _MESSAGES

    def await_room(self, seconds: float) -> None:
        """Return at once: there is room whenever ``proceed`` has returned."""

    def take(self, batch: Sorted) -> None:
        """Take a batch; ``proceed`` works on it."""
        self._gone.clear()
        self._letters += batch.letters()
        self._todo = batch

    def proceed(self) -> None:
        """Work on the batch that was taken; raise ``NotDone`` when that has to be tried again."""
        if self._todo is None:
            return
        batch = self._of_ours(self._todo)
        if batch.events:
            if not self._still_ours():
                raise NotDone("it is unsure whether the partitions are still ours")
            started = time.perf_counter()
            self._handler.handle(batch)
            self._observer.handled(len(batch.events), time.perf_counter() - started)
        for place in last_places(self._todo.records):
            if place.partition not in self._gone:
                self._progress[place.partition] = place
        self._todo = None

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""
        letters, self._letters = self._letters, []
        return letters

    def settled(self) -> None:
        """Note nothing: the loop commits a batch's progress when its letters are settled."""

    def progress(self) -> list[Place]:
        """Return how far partitions are done, where that changed since the last time."""
        places = list(self._progress.values())
        self._progress.clear()
        return places

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions; raise ``NotDone`` when the handler can't yet."""
        return self._handler.assigned(partitions)

    def revoked(self, partitions: Collection[int]) -> None:
        """Give partitions back."""
        self._gone.update(partitions)
        self._handler.revoked(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        self._gone.update(partitions)
        for partition in partitions:
            self._progress.pop(partition, None)
        self._handler.lost(partitions)

    def finish(self) -> None:
        """Let go of a batch that could not be done before the end; it comes again after the restart."""
        self._todo = None

    def _of_ours(self, batch: Sorted) -> Batch:
        events, records = batch.wanted()
        if self._gone:
            ours = [record.partition() not in self._gone for record in records]
            events, records = list(compress(events, ours)), list(compress(records, ours))
        return Batch(events, records, self._still_ours)
