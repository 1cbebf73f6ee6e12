"""The audit worker: every event once in the audit log, and a line in the log for each.

An event counts as done when the audit log has it on disk; an event that is there already is done. Kafka says
where a partition goes on, and the audit log which messages it has settled before, so it matters little that
Kafka's word may be late. Only where the log itself lost its end does it go back behind Kafka's word.
"""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from operator import attrgetter, itemgetter, methodcaller
from typing import TYPE_CHECKING, Protocol

from eventconsumer_workers.audit.chain import Fenced, Incoming
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.loglines import ordinary, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Batch
    from eventconsumer_workers.loglines import LogLines

_log = logging.getLogger(__name__)

_id = attrgetter("event_id")
_place = itemgetter(0, 1)
# What ``Incoming._make`` does, at a quarter of its time.
_new = partial(tuple.__new__, Incoming)


class Store(Protocol):
    """An audit log, wherever it is; its methods raise ``OSError`` for what may pass."""

    def next_offsets(self, partitions: Collection[int], /) -> Mapping[int, int]:
        """Return where those partitions go on that are to be read again from before the committed offset."""

    def claim(self, partitions: Collection[int]) -> None:
        """Become the one who writes for these partitions."""

    def append(self, incoming: Sequence[Incoming], topic_id: str | None) -> list[Incoming]:
        """Put the events that the log lacks on disk, and return them."""

    def forget(self, partitions: Collection[int]) -> None:
        """Write nothing more for these partitions."""

    def close(self) -> None:
        """Let go of what the log holds."""


class Audit:
    """Keeps the audit log; ``identify`` tells Kafka's id of the topic, which a later topic does not have."""

    def __init__(
        self, store: Callable[[], Store], lines: LogLines, identify: Callable[[], str | None]
    ) -> None:
        self._open_store = store
        self._lines = lines
        self._identify = identify
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

    def handle(self, batch: Batch) -> None:
        """Append the events that the audit log does not have yet."""
        incoming = _incoming(batch)
        try:
            if self._store is None:
                self._store = self._open_store()
            self._take_over(self._store, first=dict(map(_place, reversed(incoming))))
            appended = self._append(self._store, incoming, batch.still_ours)
        except OSError as fault:
            raise NotDone(f"the audit log cannot be written: {fault}") from fault
        self._last |= map(_place, incoming)
        # The work is on disk; its echo on the console must not undo that.
        with contextlib.suppress(OSError):
            events = [event.event for event in appended]
            self._lines.write(_lines(events), events)

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Go on where Kafka says, or earlier where the log lost its end; claim with the first event."""
        self._new |= set(partitions)
        return {} if self._store is None else self._store.next_offsets(partitions)

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

    def _take_over(self, store: Store, *, first: dict[int, int]) -> None:
        """Make sure of the topic, and of our claim, before the first events of an assignment."""
        # An offset that was passed already is one of a topic that was made anew while we follow it.
        again = any(offset <= self._last.get(partition, -1) for partition, offset in first.items())
        if self._new or again:
            self._topic_id = self._identify()
            store.claim(self._new)
            self._new.clear()

    def _append(
        self, store: Store, incoming: Sequence[Incoming], still_ours: Callable[[], bool]
    ) -> list[Incoming]:
        while True:
            if not still_ours():
                raise NotDone("the audit log waits until it is sure that its partitions are still its own")
            try:
                return store.append(incoming, self._topic_id)
            except Fenced as fault:
                # Who was frozen meanwhile finds at the next look that the partitions are no longer its own.
                # Else someone else claimed what was not theirs, and whom the group knows as its member wins.
                _log.warning("%s", fault)
                if still_ours():
                    store.claim({event.partition for event in incoming})


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
    events = batch.events
    parts = (map(methodcaller(name), batch.records) for name in ("partition", "offset"))
    values = map(methodcaller("value"), batch.records)
    return list(map(_new, zip(*parts, map(_id, events), values, events, strict=True)))
