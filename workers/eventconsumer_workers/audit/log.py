"""The audit log on one volume: chained lines in segments, each event id once.

The invariant at every moment, whoever kills the process: what is called settled is on disk, each chain goes
on without a gap, and no id is in the log twice: not one that Kafka delivers again, which its offset shows,
and not one that was published again within the window. One process holds the log at a time, by a lock that
the kernel gives back when its holder dies.

While a group is being written, the next is made on top of it, of as many batches as come meanwhile; where the
write fails, both are dropped.

With a retention, the first line of a new segment says which of the oldest ones go, before they go; their ids
stay for as long as the window reaches back to them. Segments are then closed daily, however small they are,
because only closed ones can go.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from eventconsumer_workers.audit.again import Again
from eventconsumer_workers.audit.chain import Begun, Unsure, encoded
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


# A group that waits for the one before it takes no more events beyond this: what is open is memory.
_LARGEST_GROUP_BYTES = 2 * 1024 * 1024


@dataclass(slots=True)
class _Underway:
    """A group on its way to the disk, open to more events until its writing begins."""

    group: Group
    length: int = 0
    full: bool = False
    written: Future[None] | None = None
    settled: bool = False

    def ended(self) -> bool:
        """Return whether its writing has ended, well or not."""
        return self.written is not None and self.written.done()


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
        self._lock, tail = open_log(self._files)
        try:
            self._segment = Segment(path)
            self._again = Again(self._files, (partition for of, partition in tail.heads if of == topic))
        except BaseException:
            os.close(self._lock)
            raise
        self._heads = tail.heads
        self._number = tail.segment
        self._last_checkpoint = tail.last_checkpoint
        self._since_full = tail.since_full
        self._begun_at = tail.begun_at
        self._writing: _Underway | None = None
        self._open: _Underway | None = None
        self._sure: Callable[[], bool] = bool
        self._ids = Ids()
        # Filled before the first append, when the group is joined already: it takes longer than all the rest.
        self._window: Window | None = None
        self._upkeep = Upkeep(self._files)

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

    def forget(self, partitions: Collection[int]) -> None:  # noqa: ARG002  # the protocol's
        """Write nothing of what waits for the disk: ``settle`` of that raises, and it may be given again."""
        self._open = None

    def append(self, incoming: Sequence[Incoming], topic_id: str | None, sure: Callable[[], bool]) -> Begun:
        """Begin to put the events that the log lacks on disk, once what was begun before is there.

        ``sure`` is asked right before that: raise ``Unsure`` when it says no, and ``OSError`` when the disk
        refuses. After a failure, of ``settle`` too, all that was begun and is not on disk may be given again.
        """
        if self._segment.length >= self._segment_bytes or self._is_old():
            self._end_all()
            self._rotate()
        if self._window is None:
            self._window = self._filled_window()
        self._sure = sure
        underway = self._open = self._open or self._next()
        before = len(underway.group.appended)
        for part in incoming:
            underway.group.take(part, self._window, topic=self._topic, topic_id=topic_id)
        new = underway.group.appended[before:]
        if self._writing is None or self._writing.ended() or underway.group.length >= _LARGEST_GROUP_BYTES:
            self._begin(underway)
        return Begun(new, partial(self._settle, underway), underway.ended)

    def close(self) -> None:
        """Give up the log and its lock."""
        with suppress(OSError):
            self._end_writing()
        self._upkeep.stop()
        with suppress(OSError):
            self._segment.close()
        os.close(self._lock)

    def _next(self) -> _Underway:
        """Return a group that goes on behind all that was begun."""
        if self._writing is None:
            return _Underway(Group(self._heads, self._last_checkpoint))
        return _Underway(self._writing.group.next())

    def _begin(self, underway: _Underway) -> None:
        """Begin to write a group once the one before it is on disk; what can't be begun is dropped."""
        try:
            self._end_writing()
            if not self._sure():
                raise Unsure
            underway.full = self._since_full >= _FULL_CHECKPOINT_BYTES
            blocks = underway.group.finish(full=underway.full)
            underway.length = sum(map(len, blocks))
            underway.written = self._segment.begin(blocks)
        finally:
            self._open = None
        self._writing = underway

    def _settle(self, underway: _Underway) -> None:
        """Wait until a group is on disk; raise ``OSError`` when it is not."""
        if underway is self._open:
            self._begin(underway)
        if underway is self._writing:
            self._end_writing()
        if not underway.settled:
            if underway.written is not None:
                underway.written.result()
            raise OSError("it was made on top of what could not be written")

    def _end_all(self) -> None:
        if self._open is not None:
            self._begin(self._open)
        self._end_writing()

    def _end_writing(self) -> None:
        """Wait for the group that is being written, and adopt it; else drop what was made on top of it."""
        writing, self._writing = self._writing, None
        if writing is None or writing.written is None:
            return
        try:
            writing.written.result()
        except OSError:
            self._open = None
            raise
        self._adopt(writing)
        writing.settled = True

    def _adopt(self, writing: _Underway) -> None:
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
        # What a failed write left behind must not become a part of a closed segment.
        self._segment.mend()
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
