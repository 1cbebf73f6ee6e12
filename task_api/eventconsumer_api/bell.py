"""Wakes the relay: a bell that any thread rings, and that one thread waits for together with a connection."""

from __future__ import annotations

import contextlib
import math
import os
import select


class Bell:
    """Remembers that it rang until `wait` has told it; to ring costs one small system call."""

    def __init__(self) -> None:
        self._hears, self._rings = os.pipe()
        os.set_blocking(self._hears, False)
        os.set_blocking(self._rings, False)

    def ring(self) -> None:
        """Wake whoever waits, now or at the next `wait`; may be called from any thread."""
        # A full pipe has been rung often enough.
        with contextlib.suppress(BlockingIOError):
            os.write(self._rings, b"!")

    def wait(self, seconds: float, *others: int) -> bool:
        """Return after ``seconds``, or once it rang (True) or one of the descriptors ``others`` has data."""
        # Not select(), which knows descriptors below 1024 only: open streams are enough to come beyond.
        waking = select.poll()
        for descriptor in (self._hears, *others):
            waking.register(descriptor, select.POLLIN)
        rang = self._hears in dict(waking.poll(math.ceil(seconds * 1000)))
        if rang:
            os.read(self._hears, 1 << 16)
        return rang

    def close(self) -> None:
        """Give the pipe back; nobody may ring any more."""
        os.close(self._rings)
        os.close(self._hears)
