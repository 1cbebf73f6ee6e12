"""Up to where a partition is done, though its events finish in any order.

Pure. The invariant: ``low`` never passes an offset that was taken and is not finished, so whatever is committed,
a crash loses nothing; and once all is finished it is the end of what was read, so nothing comes twice.
"""

from __future__ import annotations

from collections import deque


class Watermark:
    """The offsets of one partition for one time that it is ours."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._finished: set[int] = set()
        self._end: int | None = None
        self.ours = True
        """Whether the partition is ours still: cleared once, when it goes."""
        self.highest_started = -1
        """The highest offset that work was started for."""

    def take(self, offset: int) -> None:
        """Note an offset that needs work; offsets are taken in rising order."""
        self._open.append(offset)

    def reach(self, end: int) -> None:
        """Note where reading stands: offsets below it that were not taken need no work."""
        self._end = end

    def finish(self, offset: int) -> None:
        """Note that the work of a taken offset is done."""
        self._finished.add(offset)
        while self._open and self._open[0] in self._finished:
            self._finished.discard(self._open.popleft())

    def low(self) -> int | None:
        """Return the offset to commit: all below it is done; None before anything was read."""
        return self._open[0] if self._open else self._end

    def __len__(self) -> int:
        """Return how many taken offsets lie at or above ``low`` and are not finished."""
        return len(self._open) - len(self._finished)
