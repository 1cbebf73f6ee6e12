"""The audit worker: every event once in the audit log, and a line in the log for each.

An event counts as done when the audit log has it on disk; an event that is there already is done. Kafka says
where a partition goes on, and the audit log which messages it has settled before, so it matters little that
Kafka's word may be late. Only where the log itself lost its end does it go back behind Kafka's word.
"""

from __future__ import annotations

import contextlib
import logging
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, cast

from eventconsumer_workers.audit.chain import Begun, Fenced, Incoming, Unsure
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.handlers import NotDone, Underway
from eventconsumer_workers.loglines import ordinary, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Batch
    from eventconsumer_workers.loglines import LogLines

_log = logging.getLogger(__name__)

_id = attrgetter("event_id")


class Store(Protocol):
    """An audit log, wherever it is; its methods raise ``OSError`` for what may pass."""

    def next_offsets(
        self, partitions: Collection[int], committed: Callable[[Collection[int]], Mapping[int, int]], /
    ) -> Mapping[int, int]:
        """Return where those partitions go on that are to be read again from before the committed offset."""

    def claim(self, partitions: Collection[int]) -> None:
        """Become the one who writes for these partitions."""

    def append(
        self, incoming: Sequence[Incoming], topic_id: str | None, sure: Callable[[], bool], /
    ) -> Begun:
        """Begin to put the events that the log lacks on disk, once what was begun before is there.

        No two of ``incoming`` are of the same partition, and none is empty.
        Raise ``Fenced`` when another worker has claimed a partition, and ``Unsure`` when ``sure``, which is
        asked right before, says no.
        """

    def forget(self, partitions: Collection[int]) -> None:
        """Write nothing more for these partitions."""

    def close(self) -> None:
        """Let go of what the log holds."""


class Kafka(Protocol):
    """What an audit log has to know of its topic and group; each question may raise ``NotDone``."""

    def topic_id(self) -> str | None:
        """Return Kafka's id of the topic, which a later topic of the same name does not have."""

    def committed(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the offsets that are committed for partitions, where there are any."""


class Audit:
    """Keeps the audit log; ``kafka`` is asked what a group's members are not told."""

    def __init__(self, store: Callable[[], Store], echo: LogLines, kafka: Kafka) -> None:
        self._open_store = store
        self._echo = echo
        self._kafka = kafka
        self._store: Store | None = None
        self._topic_id: str | None = None
        self._new: set[int] = set()
        self._last: dict[int, int] = {}

    def open(self) -> None:
        """Open the log now rather than with the first event, as far as the disk lets us."""
        try:
            self._store = self._store or self._open_store()
        except OSError as fault:
            _log.error("The audit log cannot be opened yet: %s", fault)

    def handle(self, batch: Batch) -> Underway:
        """Begin to append the events that the audit log does not have yet; return what waits for the disk."""
        incoming = _incoming(batch)
        with self._writing():
            first = {part.partition: part.offsets[0] for part in incoming}
            if self._store is None:
                self._store = self._opened_late(first)
            self._take_over(self._store, batch.still_ours, first=first)
            begun = self._append(self._store, incoming, batch.still_ours)
        self._last |= {part.partition: part.offsets[-1] for part in incoming}
        events = [event for part in begun.new for event in part.events]
        lines = _lines(events)

        def settle() -> None:
            with self._writing():
                begun.settle()
            # The work is on disk; its echo on the console must not undo that.
            with contextlib.suppress(OSError):
                self._echo.write(lines, events)

        return Underway(settle, begun.ended)

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Go on where Kafka says, or earlier where the log lost its end; claim with the first event."""
        self._new |= set(partitions)
        return {} if self._store is None else self._store.next_offsets(partitions, self._kafka.committed)

    def revoked(self, partitions: Collection[int]) -> None:
        """Write nothing more for these partitions."""
        self.lost(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Write nothing more for these partitions."""
        self._new -= set(partitions)
        for partition in partitions:
            self._last.pop(partition, None)
        if self._store is not None:
            self._store.forget(partitions)

    def close(self) -> None:
        """Close the audit log and give up its lock."""
        if self._store is not None:
            self._store.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Unsure as fault:
            raise NotDone(
                "the audit log waits until it is sure that its partitions are still its own"
            ) from fault
        except OSError as fault:
            raise NotDone(f"the audit log cannot be written: {fault}") from fault

    def _opened_late(self, first: Mapping[int, int]) -> Store:
        """Open the log behind whose end partitions were begun already; raise ``AuditLogError`` if in vain."""
        with contextlib.ExitStack() as in_vain:
            store = self._open_store()
            in_vain.callback(store.close)
            places = store.next_offsets(self._new | first.keys(), self._kafka.committed)
            if any(first.get(partition, offset + 1) > offset for partition, offset in places.items()):
                raise AuditLogError("the audit log lost its end, which is read again after a restart")
            in_vain.pop_all()
        return store

    def _take_over(self, store: Store, still_ours: Callable[[], bool], *, first: dict[int, int]) -> None:
        """Make sure of the topic, and of our claim, before the first events of an assignment."""
        # An offset that was passed already may be one of a topic that was made anew while we follow it.
        again = any(offset <= self._last.get(partition, offset) for partition, offset in first.items())
        if self._new or again:
            self._topic_id = self._kafka.topic_id()
            if not still_ours():
                raise Unsure
            store.claim(self._new)
            self._new.clear()

    def _append(self, store: Store, incoming: Sequence[Incoming], still_ours: Callable[[], bool]) -> Begun:
        while True:
            try:
                return store.append(incoming, self._topic_id, still_ours)
            except Fenced as fault:
                # Who was frozen meanwhile finds at this look that the partitions are no longer its own. Else
                # someone else claimed what was not theirs, and whom the group knows as its member wins.
                _log.warning("%s", fault)
                if not still_ours():
                    raise Unsure from fault
                store.claim({part.partition for part in incoming})


def line(event: Event) -> str:
    """Return the log line of one audited event."""
    task = event.task
    return printable(f"AUDIT: {event.event_type} - task_id={None if task is None else task.task_id}")


def _lines(events: Sequence[Event]) -> list[str]:
    """Return the log line of each event: together where they are ordinary, which takes half the time."""
    try:
        plain = [f"AUDIT: {event.event_type} - task_id={event.data.task_id}" for event in events]  # type: ignore[attr-defined]  # what is no task event raises
    except AttributeError:
        return [line(event) for event in events]
    return plain if ordinary(plain) else [line(event) for event in events]


def _incoming(batch: Batch) -> list[Incoming]:
    """Return the events of each partition, in their order."""
    records, events = batch.records, list(batch.events)
    # Comprehensions, because a ``methodcaller`` takes four times as long; what was received has all of these.
    partitions = cast("list[int]", [record.partition() for record in records])
    offsets = cast("list[int]", [record.offset() for record in records])
    values = cast("list[bytes]", [record.value() for record in records])
    ids = list(map(_id, events))
    found: dict[int, Incoming] = {}
    end = 0
    for partition, run in groupby(partitions):
        start, end = end, end + len(list(run))
        part = Incoming(partition, offsets[start:end], ids[start:end], values[start:end], events[start:end])
        if partition in found:
            found[partition].add(part)
        else:
            found[partition] = part
    return list(found.values())
