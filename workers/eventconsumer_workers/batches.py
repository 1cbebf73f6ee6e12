"""Work by the batch: the handler is given everything at once, on the thread that polls.

The invariant: a partition's progress moves over a batch only after the handler's work for it has ended, and
what belongs to a partition that went away meanwhile is neither handled nor counted as done. A handler may
only begin its work: then the next batch is received and begun while that goes on, one at a time.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
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

_log = logging.getLogger(__name__)

MESSAGES = 2000
"""How many messages are taken at once: more cost memory, and save little where nothing waits for a disk."""


@dataclass(slots=True)
class _Taken:
    """A batch that is not done."""

    sorted: Sorted
    gone: set[int] = field(default_factory=set)
    """The partitions that went away since it was taken."""
    handled: int = 0
    """How many events the handler was given."""
    seconds: float = 0.0
    """How long that took."""
    settle: Callable[[], None] | None = None
    """Waits for the end of the handler's work, where it was only begun."""

    def of_ours(self, still_ours: Callable[[], bool]) -> Batch:
        """Return what there is to handle of the partitions that did not go away."""
        events, records = self.sorted.wanted()
        if self.gone:
            ours = [record.partition() not in self.gone for record in records]
            events, records = list(compress(events, ours)), list(compress(records, ours))
        return Batch(events, records, still_ours)

    def places(self) -> dict[int, Place]:
        """Return where the partitions that did not go away stand behind it."""
        places = last_places(self.sorted.records)
        return {place.partition: place for place in places if place.partition not in self.gone}


class Batches:
    """Gives batches to a handler and notes how far each partition is done."""

    def __init__(
        self,
        handler: BatchHandler,
        observer: Observer,
        still_ours: Callable[[], bool],
        *,
        at_once: int = MESSAGES,
    ) -> None:
        self._handler = handler
        self._at_once = at_once
        self._observer = observer
        self._still_ours = still_ours
        self._progress: dict[int, Place] = {}
        self._letters: list[Letter] = []
        self._todo: list[_Taken] = []
        self._begun: _Taken | None = None

    @property
    def busy(self) -> bool:
        """Whether work goes on while messages are received."""
        return self._begun is not None

    def room(self) -> int:
        """Return how many messages it takes at once."""
        return self._at_once

    def await_room(self, seconds: float) -> None:
        """Return at once: there is room whenever ``proceed`` has returned."""

    def take(self, batch: Sorted) -> None:
        """Take a batch; ``proceed`` works on it."""
        self._letters += batch.letters()
        self._todo.append(_Taken(batch))

    def proceed(self) -> None:
        """Work on what was taken, or end what was begun; raise ``NotDone`` to be called again."""
        try:
            if not self._todo:
                self._end()
            while self._todo:
                self._work(self._todo[0])
        except NotDone:
            self._give_again()
            raise

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""
        letters, self._letters = self._letters, []
        return letters

    def settled(self, has: Callable[[int], bool]) -> None:
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
        """End what was begun, and give partitions back."""
        self._end_or_leave()
        self._forget(partitions)
        self._handler.revoked(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        self._forget(partitions)
        for partition in partitions:
            self._progress.pop(partition, None)
        self._handler.lost(partitions)

    def finish(self) -> None:
        """End what was begun; what can't be done before the end comes again after the restart."""
        self._end_or_leave()
        self._todo.clear()

    def _work(self, taken: _Taken) -> None:
        batch = taken.of_ours(self._still_ours)
        # A batch that is given again may have nothing left of ours.
        taken.settle, taken.handled, taken.seconds = None, 0, 0.0
        if batch.events:
            if not self._still_ours():
                raise NotDone("it is unsure whether the partitions are still ours")
            started = time.perf_counter()
            taken.settle = self._handler.handle(batch)
            taken.handled, taken.seconds = len(batch.events), time.perf_counter() - started
            self._done()
        else:
            self._end()
        del self._todo[0]
        self._begun = taken
        if taken.settle is None:
            self._done()

    def _end(self) -> None:
        """Wait until what was begun has ended."""
        if self._begun is not None and self._begun.settle is not None:
            self._begun.settle()
        self._done()

    def _end_or_leave(self) -> None:
        try:
            self._end()
        except NotDone as obstacle:
            _log.warning("%s; what is not done comes again", obstacle)
            self._give_again()

    def _give_again(self) -> None:
        """Put what was begun and has not ended before what is to do."""
        if self._begun is not None:
            self._todo.insert(0, self._begun)
            self._begun = None

    def _done(self) -> None:
        """Note that what was begun has ended."""
        if self._begun is None:
            return
        done, self._begun = self._begun, None
        if done.handled:
            self._observer.handled(done.handled, done.seconds)
        self._progress |= done.places()

    def _forget(self, partitions: Collection[int]) -> None:
        for taken in (*self._todo, *filter(None, [self._begun])):
            taken.gone.update(partitions)
