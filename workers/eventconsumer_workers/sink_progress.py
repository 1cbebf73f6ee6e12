"""How far one partition is done, in all sinks and in each; and the note about it beside the committed offset.

Pure. The note says which sinks are ahead of the slowest one, and how far: after a crash the slowest one goes
on at the committed offset, and the others where they were. A note that cannot be read, as after somebody has
reset the group's offsets, means that nobody is ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from eventconsumer_workers.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class _Note(msgspec.Struct):
    sinks: dict[str, int]


_read = msgspec.json.Decoder(_Note).decode


class SinkProgress:
    """The progress of one partition for one time that it is ours."""

    def __init__(self, sinks: Iterable[str], note: str | None = None) -> None:
        self.mark = Watermark()
        """How far all sinks are."""
        self.pending = 0
        """Deliveries that couriers have."""
        self.open_events = 0
        """Messages that are not done."""
        self.open_bytes = 0
        self._marks = {sink: Watermark() for sink in sinks}
        self._highest = dict.fromkeys(self._marks, -1)
        self._ahead = _ahead(note)

    def has(self, sink: str, offset: int) -> bool:
        """Return whether a sink had an offset before the partition became ours."""
        return offset < self._ahead.get(sink, 0)

    def take(self, offset: int, sinks: Collection[str]) -> None:
        """Note an offset that some sinks need; offsets are taken in rising order."""
        self.mark.take(offset)
        for sink in sinks:
            self._marks[sink].take(offset)

    def reach(self, end: int) -> None:
        """Note where reading stands: what was not taken below it needs no work."""
        self.mark.reach(end)
        for mark in self._marks.values():
            mark.reach(end)

    def finish(self, sink: str, offset: int) -> None:
        """Note that a sink needs an offset no more."""
        self._marks[sink].finish(offset)
        self._highest[sink] = max(self._highest[sink], offset)

    def highest(self, sink: str) -> int:
        """Return the highest offset that a sink has finished; -1 for none."""
        return self._highest[sink]

    def note(self) -> str:
        """Return which sinks are ahead of the slowest one; empty when all are equally far."""
        low = self.mark.low() or 0
        ahead = {sink: max(mark.low() or 0, self._ahead.get(sink, 0)) for sink, mark in self._marks.items()}
        further = {sink: offset for sink, offset in ahead.items() if offset > low}
        return msgspec.json.encode(_Note(further)).decode() if further else ""


def _ahead(note: str | None) -> dict[str, int]:
    try:
        return _read(note or "{}").sinks
    except msgspec.DecodeError:
        return {}
