"""Up to where a partition is done, though its events finish in any order.

Pure. The invariant: ``low`` never passes an offset that was taken and is not finished, so whatever is
committed, a crash loses nothing; and once all is finished it is the end of what was read, so nothing comes
twice. Only offsets that are not finished take memory, however many were finished behind one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from eventconsumer_workers.handlers import Record


class Place(NamedTuple):
    """The next offset to read of a partition."""

    partition: int
    offset: int
    epoch: int = -1
    """The leader's epoch there, by which a broker notices a log that was cut; -1 where it is unknown."""
    note: str = ""
    """What is kept beside the offset, for whoever goes on there."""


class Watermark:
    """The offsets of one partition for one time that it is ours."""

    def __init__(self) -> None:
        # In rising order, as they were taken.
        self._open: dict[int, None] = {}
        self._end: int | None = None
        self.ours = True
        """Whether the partition is ours still: cleared once, when it goes."""
        self.highest_started = -1
        """The highest offset that work was started for."""
        self.queued = 0
        """How many of its events are in lanes."""

    def take(self, offset: int) -> None:
        """Note an offset that needs work; offsets are taken in rising order."""
        self._open[offset] = None

    def reach(self, end: int) -> None:
        """Note where reading stands: offsets below it that were not taken need no work."""
        self._end = end

    def finish(self, offset: int) -> None:
        """Note that the work of a taken offset is done."""
        self._open.pop(offset, None)

    def low(self) -> int | None:
        """Return the offset to commit: all below it is done; None before anything was read."""
        return next(iter(self._open), self._end)


def place_after(record: Record) -> Place:
    """Return where a record's partition stands behind it."""
    epoch = record.leader_epoch()
    return Place(
        cast("int", record.partition()), cast("int", record.offset()) + 1, -1 if epoch is None else epoch
    )


def first_places(records: Sequence[Record], *, known: Collection[int]) -> list[Place]:
    """Return where the first record of each partition lies, of those that are not known."""
    new = {record.partition() for record in records}.difference(known)
    found: dict[int, Place] = {}
    for record in records if new else ():
        partition = cast("int", record.partition())
        if partition in new and partition not in found:
            found[partition] = Place(partition, cast("int", record.offset()))
    return list(found.values())


def last_places(records: Sequence[Record]) -> list[Place]:
    """Return where each partition stands behind the last of its records, which are in order."""
    # The last of each partition stays. A ``methodcaller`` would take four times as long for every message.
    last = dict(zip([record.partition() for record in records], records, strict=True))
    return [place_after(record) for record in last.values()]
