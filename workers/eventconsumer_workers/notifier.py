"""Work by the event and the sink: every event goes to each sink that wants it, and no sink waits for another.

How it holds what it promises:

* Each sink has a courier with threads, a backlog and a circuit breaker of its own. An event is done when
  every sink has it or its dead letter for that sink is settled, and a partition's offset moves only up to the
  first event that is not done. So a sink that is down loses nothing: its events stay uncommitted and wait in
  memory, the other sinks go on ahead, lag says how many wait, and when the sink is back it gets them, in
  order by key.
* Memory is bounded: only so many events and bytes are open. When that is full, a sink that is merely slow
  sets the pace for all, since nothing may be given up because of it. A sink that is *down*, for half a minute
  or more, can't: its oldest events become dead letters that name the sink, and so make room. A redrive of
  those gives them to that sink alone.
* Repetition is bounded: what is committed carries how far each sink is ahead of the slowest one, in the
  offset's own metadata. After a crash a sink gets again what it finished since the last commit (a tenth of a
  second), or behind an event of its own that was not through; a clean stop repeats nothing but the latter.

The alternatives: a consumer group for each sink, whose lag nobody would see as one number and whose first
offset somebody would have to choose, or a retry topic for each sink, which somebody would have to create.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED, Letter, addressee
from eventconsumer_workers.envelope import Event, Rejected
from eventconsumer_workers.record_headers import header_list
from eventconsumer_workers.sink_progress import SinkProgress
from eventconsumer_workers.sinks import Notification
from eventconsumer_workers.sinks.backlog import Delivery
from eventconsumer_workers.tracing import passed_on
from eventconsumer_workers.watermark import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from eventconsumer_workers.handlers import Observer, Record
    from eventconsumer_workers.handlers.sinks import Route
    from eventconsumer_workers.sinks.backlog import Aside
    from eventconsumer_workers.sinks.courier import Courier
    from eventconsumer_workers.sorting import Sorted

    Notes = Callable[[Collection[int]], Mapping[int, str]]

_MOST_EVENTS = 10_000
_MOST_BYTES = 32 * 1024 * 1024
# From then on a sink counts as down and no longer as slow.
_DOWN_SECONDS = 30.0
# Lacks a message that is no event: the dead-letter topic, for all sinks.
_WHOLE = ""
# What is out when a partition goes is waited for: it would come twice else.
_GRACE_SECONDS = 10.0


@dataclass(eq=False, slots=True)
class _Open:
    """A message that some sink lacks, or the dead-letter topic."""

    record: Record
    progress: SinkProgress
    offset: int
    size: int
    lacking: set[str]
    since: float
    set_aside: bool = False
    """Whether it became a dead letter, for one sink at least."""


class _Late(NamedTuple):
    """A dead letter, and the message that is a step further when the topic has it."""

    letter: Letter
    open: _Open


class Notifier:
    """Gives events to couriers and notes how far each partition is done."""

    def __init__(self, routes: Iterable[Route], *, group: str, observer: Observer, notes: Notes) -> None:
        self._routes = {route.courier.name: route for route in routes}
        self._group = group
        self._observer = observer
        self._notes = notes
        self._changed = threading.Condition()
        self._partitions: dict[int, SinkProgress] = {}
        self._reported: dict[int, Place] = {}
        self._letters: list[_Late] = []
        self._sent: list[_Late] = []

    @property
    def busy(self) -> bool:
        """Whether some sink lacks an event."""
        return self._count() > 0

    def room(self) -> int:
        """Return how many messages it takes now; when none, make room where a sink is down."""
        with self._changed:
            room = self._room()
            waits_for_letters = bool(self._letters or self._sent)
        if room == 0 and not waits_for_letters:
            for route in self._routes.values():
                if route.courier.down_for() > _DOWN_SECONDS:
                    route.courier.shed(_MOST_EVENTS // 10, "it is down, and too many events wait for it")
        return room

    def await_room(self, seconds: float) -> None:
        """Wait until it takes more, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._room() > 0, seconds)

    def take(self, batch: Sorted) -> None:
        """Give each event to the couriers of the sinks that want it."""
        todo: list[tuple[Courier, Delivery]] = []
        with self._changed:
            for record, outcome in zip(batch.records, batch.outcomes, strict=True):
                progress = self._partitions.get(cast("int", record.partition()))
                if progress is not None and outcome is not None:
                    todo += self._opened(progress, record, outcome)
                if progress is not None:
                    progress.reach(cast("int", record.offset()) + 1)
            self._observer.queued(self._count())
        for courier, delivery in todo:
            courier.add(delivery)

    def proceed(self) -> None:
        """Return at once: the couriers work by themselves."""

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""
        with self._changed:
            late, self._letters = self._letters, []
            self._sent += late
        return [one.letter for one in late]

    def settled(self, has: Callable[[int], bool]) -> None:
        """Count as done what those letters are about that the topic has."""
        with self._changed:
            for letter, one in self._sent:
                if has(letter.number):
                    one.set_aside = True
                    self._finish(one, letter.sink)
            self._sent = [late for late in self._sent if not has(late.letter.number)]

    def progress(self) -> list[Place]:
        """Return how far partitions are done, where that changed since the last time."""
        with self._changed:
            places = {
                partition: Place(partition, low, note=progress.note())
                for partition, progress in self._partitions.items()
                if (low := progress.mark.low()) is not None
            }
            self._observer.queued(self._count())
        moved = [place for partition, place in places.items() if self._reported.get(partition) != place]
        self._reported.update(places)
        return moved

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions and what is noted about them; raise ``NotDone`` when Kafka can't say."""
        notes = self._notes(partitions)
        with self._changed:
            for partition in partitions:
                self._partitions[partition] = SinkProgress(self._routes, notes.get(partition))
                self._reported.pop(partition, None)
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        """Finish what was begun of partitions, as far as that ends soon, and drop the rest."""
        # One that was given back is kept, since it tells what it has done, and is waited for no more.
        going = [
            progress
            for number in partitions
            if (progress := self._partitions.get(number)) and progress.mark.ours
        ]
        for progress in going:
            for name, route in self._routes.items():
                self._drop(route.courier.release(progress, progress.highest(name)))
        deadline = time.monotonic() + _GRACE_SECONDS
        with self._changed:
            while any(progress.pending for progress in going) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        self._abandon(going)

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        with self._changed:
            going = [progress for number in partitions if (progress := self._partitions.pop(number, None))]
            for number in partitions:
                self._reported.pop(number, None)
            self._letters = [late for late in self._letters if late.open.progress not in going]
        self._abandon(going)

    def finish(self) -> None:
        """Finish what was begun."""
        self.revoked(list(self._partitions))

    def _room(self) -> int:
        free = _MOST_EVENTS - self._count()
        enough_bytes = sum(progress.open_bytes for progress in self._partitions.values()) < _MOST_BYTES
        return max(0, free) if enough_bytes else 0

    def _count(self) -> int:
        return sum(progress.open_events for progress in self._partitions.values())

    def _opened(
        self, progress: SinkProgress, record: Record, outcome: Event | Rejected
    ) -> list[tuple[Courier, Delivery]]:
        """Open what a message needs: deliveries to the sinks that lack it, or a dead letter."""
        if isinstance(outcome, Rejected):
            self._open_letter(progress, record, str(outcome))
            return []
        offset = cast("int", record.offset())
        try:
            wanting = self._wanting(outcome, addressee(header_list(record)))
        except LookupError as fault:
            self._open_letter(progress, record, str(fault))
            return []
        lacking = {name for name in wanting if not progress.has(name, offset)}
        if not lacking:
            return []
        one = self._open(progress, record, lacking)
        told = Notification.of(outcome, record.value() or b"", passed_on(header_list(record)))
        key = offset if (key := record.key()) is None else key
        deliveries = [
            Delivery((progress, key), (progress, offset), told, partial(self._settle, one, name))
            for name in lacking
        ]
        progress.pending += len(deliveries)
        return [
            (self._routes[name].courier, delivery) for name, delivery in zip(lacking, deliveries, strict=True)
        ]

    def _wanting(self, event: Event, to: tuple[str, str] | None) -> list[str]:
        """Return the sinks that an event is for; raise ``LookupError`` when it is for one that is gone."""
        if to is None:
            return [
                name
                for name, route in self._routes.items()
                if not route.event_types or event.event_type in route.event_types
            ]
        group, sink = to
        if group != self._group:
            return []
        if sink not in self._routes:
            raise LookupError(f"it is for the sink {sink}, which is no more")
        return [sink]

    def _open(self, progress: SinkProgress, record: Record, lacking: set[str]) -> _Open:
        offset, size = cast("int", record.offset()), len(record.value() or b"")
        progress.take(offset, lacking - {_WHOLE})
        progress.open_events += 1
        progress.open_bytes += size
        return _Open(record, progress, offset, size, lacking, time.monotonic())

    def _open_letter(self, progress: SinkProgress, record: Record, reason: str) -> None:
        one = self._open(progress, record, {_WHOLE})
        self._letters.append(_Late(Letter(record, reason, MALFORMED), one))

    def _settle(self, one: _Open, sink: str, aside: Aside | None) -> None:
        with self._changed:
            one.progress.pending -= 1
            if aside is None:
                self._finish(one, sink)
            elif one.progress.mark.ours:
                cause = REJECTED if aside.refused else EXHAUSTED
                letter = Letter(one.record, aside.reason, cause, aside.attempts, sink=sink)
                self._letters.append(_Late(letter, one))
            self._changed.notify_all()

    def _finish(self, one: _Open, sink: str) -> None:
        progress = one.progress
        if sink != _WHOLE:
            progress.finish(sink, one.offset)
        one.lacking.discard(sink)
        if one.lacking:
            return
        progress.mark.finish(one.offset)
        if progress.mark.ours:
            progress.open_events -= 1
            progress.open_bytes -= one.size
            if not one.set_aside:
                self._observer.handled(1, time.monotonic() - one.since)

    def _drop(self, deliveries: Iterable[Delivery]) -> None:
        with self._changed:
            for delivery in deliveries:
                cast("SinkProgress", delivery.place[0]).pending -= 1

    def _abandon(self, going: Iterable[SinkProgress]) -> None:
        for progress in going:
            for route in self._routes.values():
                self._drop(route.courier.drop(progress))
            with self._changed:
                progress.mark.ours = False
                progress.open_events = progress.open_bytes = 0
