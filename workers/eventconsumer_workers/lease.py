"""How sure a worker can be that its partitions are its own.

A group gives a member's partitions away when it has not heard from it for the session's timeout. A process
that was frozen wakes up in the middle of its work and knows nothing of that, so time is what tells it: for a
while shorter than the timeout after the group answered, nobody else can have them. Time is read from a clock
that goes on while the process is frozen and while the machine sleeps.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ASK_AGAIN_SECONDS = 0.25


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """When the group last confirmed the membership; written by one thread, read by any."""

    def __init__(self, seconds: float, clock: Callable[[], float] = _boottime) -> None:
        self._seconds = seconds
        self._clock = clock
        self._confirmed = -seconds
        self._asked: deque[float] = deque()

    def holds(self) -> bool:
        """Return whether nobody else can have the partitions yet."""
        return self._clock() - self._confirmed < self._seconds

    def fresh(self) -> bool:
        """Return whether at least half of the time is left: enough to begin something."""
        return self._clock() - self._confirmed < self._seconds / 2

    def renew(self) -> None:
        """Note that the group has given us partitions just now."""
        self._confirmed = self._clock()

    def ask(self) -> None:
        """Note that a question to the group is under way."""
        self._asked.append(self._clock())

    def asked_just_now(self) -> bool:
        """Return whether a question is so young that its answer may be awaited."""
        return bool(self._asked) and self._clock() - self._asked[-1] < _ASK_AGAIN_SECONDS

    def answered(self, *, yes: bool) -> None:
        """Note the answer to the oldest question; it held when that was asked."""
        if self._asked:
            asked = self._asked.popleft()
            if yes:
                self._confirmed = max(self._confirmed, asked)
