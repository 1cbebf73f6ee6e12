"""Work by the event: several threads call a handler that may be slow, in order within each key.

The invariants: an offset is done only when its event was handled or its dead letter is settled, so the
commits of a partition wait for its slowest event; a failed event waits for its next attempt in its own lane
and on no thread; and once a partition is gone, no attempt begins for it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, cast

from eventconsumer_workers import logs
from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED, Letter
from eventconsumer_workers.envelope import Event, Rejected
from eventconsumer_workers.handlers import Delivery, NotDone, Reject, Retry
from eventconsumer_workers.lanes import Item, Lanes
from eventconsumer_workers.watermark import Place, Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eventconsumer_workers.envelope import Outcome
    from eventconsumer_workers.handlers import EventHandler, Observer, Record
    from eventconsumer_workers.retry import Backoff
    from eventconsumer_workers.sorting import Sorted

_log = logging.getLogger(__name__)

# Enough keys for many threads, and few enough to hold in memory.
_MOST_EVENTS = 4000
_MOST_BYTES = 16 * 1024 * 1024
# What is in work when a partition goes is waited for: it would come twice else.
_GRACE_SECONDS = 10.0
# The least pause before what was not the event's fault is tried again.
_OBSTACLE_SECONDS = 0.5


class Crew:
    """Threads that give events to a handler."""

    def __init__(
        self,
        handler: EventHandler,
        *,
        concurrency: int,
        backoff: Backoff,
        observer: Observer,
        still_ours: Callable[[], bool],
    ) -> None:
        self._handler = handler
        self._backoff = backoff
        self._observer = observer
        self._still_ours = still_ours
        self._changed = threading.Condition()
        self._lanes = Lanes()
        self._marks: dict[int, Watermark] = {}
        self._reported: dict[int, int] = {}
        self._letters: list[tuple[Letter, Watermark]] = []
        self._sent: list[tuple[Letter, Watermark]] = []
        self._working = 0
        self._ended = False
        for number in range(concurrency):
            threading.Thread(target=self._work, name=f"handler-{number}", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether events wait or are in work, or letters are under way."""
        return bool(len(self._lanes) or self._letters or self._sent)

    def room(self) -> int:
        """Return how many messages it takes now."""
        with self._changed:
            return self._room()

    def await_room(self, seconds: float) -> None:
        """Wait until it takes half of what it can hold, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._room() > _MOST_EVENTS // 2, seconds)

    def take(self, batch: Sorted) -> None:
        """Put events into their lanes."""
        with self._changed:
            for record, outcome in zip(batch.records, batch.outcomes, strict=True):
                mark = self._marks.get(cast("int", record.partition()))
                if mark is not None:
                    self._put(mark, record, outcome)
            self._observer.queued(len(self._lanes))
            self._changed.notify_all()

    def proceed(self) -> None:
        """Return at once: the threads work by themselves."""

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""
        with self._changed:
            letters, self._letters = self._letters, []
        self._sent += letters
        return [letter for letter, _ in letters]

    def settled(self, has: Callable[[int], bool]) -> None:
        """Count the messages as done whose letters the topic has."""
        with self._changed:
            for letter, mark in self._sent:
                if has(letter.number):
                    mark.finish(cast("int", letter.record.offset()))
        self._sent = [one for one in self._sent if not has(one[0].number)]

    def progress(self) -> list[Place]:
        """Return how far partitions are done, where that changed since the last time."""
        with self._changed:
            low = {partition: mark.low() for partition, mark in self._marks.items()}
            self._observer.queued(len(self._lanes))
        moved = {
            partition: offset
            for partition, offset in low.items()
            if offset is not None and self._reported.get(partition) != offset
        }
        self._reported.update(moved)
        return [Place(partition, offset) for partition, offset in moved.items()]

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions."""
        with self._changed:
            for partition in partitions:
                self._marks[partition] = Watermark()
                self._reported.pop(partition, None)
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        """Finish what was begun of partitions, as far as that ends soon, and drop the rest."""
        with self._changed:
            # One that was given back keeps its mark, which tells what it has done, and is waited for no more.
            marks = [mark for partition in partitions if (mark := self._marks.get(partition)) and mark.ours]
            for mark in marks:
                # What lies below something that was started is finished as well: it would come twice else.
                self._lanes.drop(mark, above=mark.highest_started)
            deadline = time.monotonic() + _GRACE_SECONDS
            while any(mark.queued for mark in marks) and self._can_end_before(deadline):
                self._changed.wait(min(0.1, max(0.0, deadline - time.monotonic())))
            for mark in marks:
                mark.ours = False
                self._lanes.drop(mark)

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        with self._changed:
            for partition in partitions:
                mark = self._marks.pop(partition, None)
                self._reported.pop(partition, None)
                if mark is not None:
                    mark.ours = False
                    self._lanes.drop(mark)
            self._letters = [one for one in self._letters if one[1].ours]

    def finish(self) -> None:
        """Finish what was begun and let the threads end."""
        self.revoked(list(self._marks))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _room(self) -> int:
        return max(0, _MOST_EVENTS - len(self._lanes)) if self._lanes.size < _MOST_BYTES else 0

    def _can_end_before(self, deadline: float) -> bool:
        now = time.monotonic()
        due = self._lanes.next_start()
        return now < deadline and (
            self._working > 0 or self._lanes.startable() or (due or deadline) < deadline
        )

    def _put(self, mark: Watermark, record: Record, outcome: Outcome) -> None:
        partition, offset = cast("int", record.partition()), cast("int", record.offset())
        if isinstance(outcome, Event):
            mark.take(offset)
            size = len(record.value() or b"")
            self._lanes.put(Item(outcome, record, partition, offset, mark, size))
        elif isinstance(outcome, Rejected):
            mark.take(offset)
            self._letters.append((Letter(record, str(outcome), MALFORMED), mark))
        mark.reach(offset + 1)

    def _work(self) -> None:
        while (item := self._next()) is not None:
            self._attempt(item)

    def _next(self) -> Item | None:
        with self._changed:
            while not self._ended:
                item = self._lanes.start(time.monotonic())
                if item is not None:
                    self._working += 1
                    return item
                due = self._lanes.next_start()
                self._changed.wait(None if due is None else max(0.0, due - time.monotonic()))
        return None

    def _attempt(self, item: Item) -> None:
        event = item.event
        ids = {"correlation_id": event.correlation_id, "event_id": event.event_id}
        with logs.about({**ids, **logs.place(item.record)}):
            self._try(item)

    def _try(self, item: Item) -> None:
        started = time.perf_counter()
        try:
            self._deliver(item)
        except Reject as verdict:
            self._set_aside(item, str(verdict), REJECTED)
        except NotDone as obstacle:
            item.obstacles += 1
            pause = max(_OBSTACLE_SECONDS, self._backoff.pause(item.obstacles))
            _log.warning("%s; next attempt in %.1f s", obstacle, pause)
            self._postpone(item, pause)
        except Retry as wish:
            self._try_again(item, str(wish), wish.seconds)
        except BaseException as fault:  # noqa: BLE001  # an exit too: its lane would stand still for ever
            _log.exception("The handler failed at partition %s offset %s", item.partition, item.offset)
            self._try_again(item, f"{type(fault).__name__}: {fault}", 0.0)
        else:
            self._done(item, time.perf_counter() - started)

    def _deliver(self, item: Item) -> None:
        def still_ours() -> bool:
            return item.mark.ours and self._still_ours()

        if not still_ours():
            raise NotDone("it is unsure whether the partition is still ours")
        self._handler.deliver(Delivery(item.event, item.record, item.attempt, still_ours))

    def _try_again(self, item: Item, why: str, at_least: float) -> None:
        if self._backoff.exhausted(item.attempt):
            self._set_aside(item, why, EXHAUSTED)
            return
        pause = max(at_least, self._backoff.pause(item.attempt))
        _log.warning(
            "Attempt %d of partition %s offset %s failed: %s; next in %.1f s",
            item.attempt,
            item.partition,
            item.offset,
            why,
            pause,
        )
        item.attempt += 1
        self._observer.retried(1)
        self._postpone(item, pause)

    def _postpone(self, item: Item, pause: float) -> None:
        with self._changed:
            self._working -= 1
            if item.mark.ours:
                self._lanes.postpone(item, time.monotonic() + pause)
            else:
                self._lanes.finish(item)
            self._changed.notify_all()

    def _set_aside(self, item: Item, why: str, cause: str) -> None:
        with self._changed:
            self._working -= 1
            self._lanes.finish(item)
            if item.mark.ours:
                self._letters.append((Letter(item.record, why, cause, item.attempt), item.mark))
            self._changed.notify_all()

    def _done(self, item: Item, seconds: float) -> None:
        with self._changed:
            self._working -= 1
            self._lanes.finish(item)
            item.mark.finish(item.offset)
            self._changed.notify_all()
        if item.mark.ours:
            self._observer.handled(1, seconds)
