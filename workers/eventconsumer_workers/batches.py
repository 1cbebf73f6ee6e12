"""Work by the batch: the handler is given everything at once, on the thread that polls.

The invariant: a partition's progress moves over a batch only after the handler's work for it has ended, and
what belongs to a partition that went away meanwhile is neither handled nor counted as done. A handler may
only begin its work: then the next batches are received and begun while that goes on.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING

from eventconsumer_workers.handlers import Batch, NotDone
from eventconsumer_workers.watermark import last_places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import BatchHandler, Observer, Underway
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
    underway: Underway | None = None
    """The handler's work, where it was only begun."""

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
        self._todo: deque[_Taken] = deque()
        self._begun: deque[_Taken] = deque()

    @property
    def busy(self) -> bool:
        """Whether work goes on while messages are received."""
        return bool(self._begun)

    def room(self) -> int:
        """Return how many messages it takes at once."""
        return self._at_once

    def await_room(self, seconds: float) -> None:
        """Return at once: there is room whenever ``proceed`` has returned."""

    def take(self, batch: Sorted) -> None:
        """Take a batch; ``proceed`` works on it."""
        self._letters += batch.letters()
        self._todo.append(_Taken(batch))
        self._tell_queued()

    def proceed(self) -> None:
        """Work on what was taken, or end what was begun; raise ``NotDone`` to be called again."""
        try:
            if not self._todo:
                self._end()
            while self._todo:
                self._work(self._todo[0])
        except NotDone:
            with suppress(NotDone):
                self._end()
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
        self._end_or_leave()

    def finish(self) -> None:
        """End what was begun; what can't be done before the end comes again after the restart."""
        self._end_or_leave()
        self._todo.clear()

    def _work(self, taken: _Taken) -> None:
        batch = taken.of_ours(self._still_ours)
        # A batch that is given again may have nothing left of ours.
        taken.underway, taken.handled, taken.seconds = None, 0, 0.0
        if batch.events:
            if not self._still_ours():
                raise NotDone("it is unsure whether the partitions are still ours")
            started = time.perf_counter()
            taken.underway = self._handler.handle(batch)
            taken.handled, taken.seconds = len(batch.events), time.perf_counter() - started
        self._begun.append(self._todo.popleft())
        while self._begun and _has_ended(self._begun[0]):
            self._end_first()

    def _end(self) -> None:
        """Wait until all that was begun has ended."""
        while self._begun:
            self._end_first()

    def _end_first(self) -> None:
        first = self._begun[0]
        if first.underway is not None:
            first.underway.settle()
        self._begun.popleft()
        if first.handled:
            self._observer.handled(first.handled, first.seconds)
        self._progress |= first.places()
        self._tell_queued()

    def _end_or_leave(self) -> None:
        try:
            self._end()
        except NotDone as obstacle:
            _log.warning("%s; what is not done comes again", obstacle)
            self._give_again()

    def _give_again(self) -> None:
        """Put what was begun and has not ended before what is to do."""
        self._todo.extendleft(reversed(self._begun))
        self._begun.clear()

    def _forget(self, partitions: Collection[int]) -> None:
        for taken in (*self._todo, *self._begun):
            taken.gone.update(partitions)

    def _tell_queued(self) -> None:
        self._observer.queued(sum(len(taken.sorted.records) for taken in (*self._todo, *self._begun)))


def _has_ended(taken: _Taken) -> bool:
    return taken.underway is None or taken.underway.ended()
