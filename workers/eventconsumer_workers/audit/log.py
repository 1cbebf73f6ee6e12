"""The audit log on one volume: chained lines in segments, each event id once.

The invariant at every moment, whoever kills the process: what is called settled is on disk, each chain goes
on without a gap, and no id is in the log twice: not one that Kafka delivers again, which its offset shows,
and not one that was published again within the window. One process holds the log at a time, by a lock that
the kernel gives back when its holder dies.

While a group is being written, the next is made, on top of it; where the write fails, both are dropped.

With a retention, the first line of a new segment says which of the oldest ones go, before they go; their ids
stay for as long as the window reaches back to them. Segments are then closed daily, however small they are,
because only closed ones can go.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_workers.audit.again import Again
from eventconsumer_workers.audit.chain import Begun, Fenced, encoded
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.group import Group, header
from eventconsumer_workers.audit.index import Ids, forget_ids, ids_in, latest_ids
from eventconsumer_workers.audit.opening import AuditLogError, open_log
from eventconsumer_workers.audit.retention import removable
from eventconsumer_workers.audit.segment import Segment
from eventconsumer_workers.audit.upkeep import Upkeep
from eventconsumer_workers.audit.window import SIZE, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from eventconsumer_workers.audit.chain import Incoming, Removed

SEGMENT_BYTES = 64 * 1024 * 1024
_FULL_CHECKPOINT_BYTES = 256 * 1024
_LONGEST_OPEN = timedelta(days=1)


class _Writing(NamedTuple):
    """A group on its way to the disk."""

    group: Group
    length: int
    full: bool
    ended: Future[None]


class AuditLog:
    """An open log for the events of one topic, which keeps closed segments for ``retention``, or for ever."""

    def __init__(
        self,
        path: Path,
        topic: str,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        window: int = SIZE,
        retention: timedelta | None = None,
    ) -> None:
        self._files = Files(path)
        self._topic = topic
        self._segment_bytes = segment_bytes
        self._window_size = window
        self._retention = retention
        self._lock, self._tail = open_log(self._files)
        self._heads = self._tail.heads
        self._number = self._tail.segment
        self._last_checkpoint = self._tail.last_checkpoint
        self._since_full = self._tail.since_full
        self._segment = Segment(path)
        self._writing: _Writing | None = None
        self._begun_at = self._tail.begun_at
        self._ids = Ids()
        # Filled before the first append, when the group is joined already: it takes longer than all the rest.
        self._window: Window | None = None
        self._upkeep = Upkeep(self._files)
        self._again = Again(self._files, (partition for of, partition in self._heads if of == topic))

    def __len__(self) -> int:
        """Return the number of entries in all chains."""
        return sum(head.sequence for head in self._heads.values())

    @property
    def lost_its_end(self) -> bool:
        """Whether the log was once opened without its end, which is still to be read again."""
        return bool(self._again)

    def next_offset(self, partition: int, topic_id: str | None) -> int | None:
        """Return where a partition of the topic goes on; None where the log has nothing of it."""
        head = self._heads.get((self._topic, partition))
        if head is None or (head.topic_id and topic_id and head.topic_id != topic_id):
            return None
        return head.next_offset

    def next_offsets(
        self, partitions: Collection[int], committed: Callable[[Collection[int]], Mapping[int, int]]
    ) -> dict[int, int]:
        """Return where those partitions go on whose end was lost, as far as Kafka's word is ahead of the log.

        ``committed`` is asked for these only, and may raise ``NotDone``.
        """
        if lost := self._again.among(partitions):
            self._again.expect(committed(lost))
            self._again.reached(self._places())
        places = self._places()
        return {number: places[number] for number in self._again.among(partitions)}

    def claim(self, partitions: Collection[int]) -> None:
        """Hold every partition: the log's lock is ours."""

    def forget(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition but where its chain ends."""

    def append(self, incoming: Sequence[Incoming], topic_id: str | None, sure: Callable[[], bool]) -> Begun:
        """Begin to put the events that the log lacks on disk, once what was begun before is there.

        ``sure`` is asked right before it: raise ``Fenced`` when it says no, and ``OSError`` when the disk
        refuses. After a failure, of ``settle`` too, all that was begun and is not on disk may be given again.
        """
        if self._segment.length >= self._segment_bytes or self._is_old():
            self._end_writing()
            self._rotate()
        if self._window is None:
            self._window = self._filled_window()
        before = self._writing
        group = Group(self._heads, self._last_checkpoint) if before is None else before.group.next()
        for part in incoming:
            group.take(part, self._window, topic=self._topic, topic_id=topic_id)
        full = self._since_full >= _FULL_CHECKPOINT_BYTES
        blocks = group.finish(full=full)
        self._end_writing()
        if not sure():
            raise Fenced("it is unsure whether the partitions are still ours")
        self._writing = _Writing(group, sum(map(len, blocks)), full, self._segment.begin(blocks))
        return Begun(group.appended, partial(self._end, self._writing))

    def close(self) -> None:
        """Give up the log and its lock."""
        with suppress(OSError):
            self._end_writing()
        self._upkeep.stop()
        with suppress(OSError):
            self._segment.close()
        os.close(self._lock)

    def _end_writing(self) -> None:
        if self._writing is not None:
            self._end(self._writing)

    def _end(self, writing: _Writing) -> None:
        """Wait until a group is on disk, and adopt it; raise ``OSError`` when it is not."""
        try:
            writing.ended.result()
            if writing is self._writing:
                self._adopt(writing)
        finally:
            if writing is self._writing:
                self._writing = None

    def _adopt(self, writing: _Writing) -> None:
        group = writing.group
        self._heads = {**self._heads, **group.moved}
        self._last_checkpoint = group.last_checkpoint
        self._since_full = 0 if writing.full else self._since_full + writing.length
        for part, ids in zip(group.appended, group.ids, strict=True):
            self._ids.add(ids, len(part.ids))
            if self._window is not None:
                self._window.add(part.ids)
        if self._again:
            self._again.reached(self._places())

    def _places(self) -> dict[int, int]:
        """Return where the topic's partitions go on."""
        return {
            head.partition: head.next_offset for head in self._heads.values() if head.topic == self._topic
        }

    def _filled_window(self) -> Window:
        window = Window(self._window_size)
        # The window forgets down to its size, and so it needs twice as many to remember that many.
        window.add(latest_ids(self._files, 2 * self._window_size))
        with self._files.active.open("rb") as lines:
            active = list(ids_in(lines))
        window.add(active)
        self._ids.add(encoded(active), len(active))
        return window

    def _is_old(self) -> bool:
        return self._retention is not None and datetime.now(UTC) - self._begun_at > _LONGEST_OPEN

    def _removable(self) -> Removed | None:
        if self._retention is None:
            return None
        return removable(self._files.beginnings(), datetime.now(UTC) - self._retention)

    def _rotate(self) -> None:
        """Close the active segment and go on in a new one.

        Raise ``OSError`` when the disk refuses and nothing has changed, else ``AuditLogError``.
        """
        if self._window is None:
            self._window = self._filled_window()
        plain = self._files.plain(self._number)
        self._ids.keep(self._files, self._number)
        removed = self._removable()
        line, last = header(self._number + 1, self._heads, self._last_checkpoint, removed=removed)
        new = self._files.prepare(self._files.active, [line])
        if plain.exists():
            raise FileExistsError(f"{plain} is there already")
        try:
            self._files.active.rename(plain)
            new.rename(self._files.active)
            self._files.sync_folder()
            self._segment.close()
            self._segment = Segment(self._files.active)
        except OSError as fault:
            if not plain.exists():
                raise
            # A second attempt would take the new segment for the old one; the next start knows better.
            raise AuditLogError(f"the audit log stopped between two segments: {fault}") from fault
        self._begun_at = datetime.now(UTC)
        self._number += 1
        self._last_checkpoint = last
        self._since_full = 0
        forget_ids(self._files, 2 * self._window_size)
        self._ids = Ids()
        self._upkeep.go_on(removed)
