"""The batch that is on its way out of the outbox: its deletion goes on while the next batch is published.

Deleting a batch takes the database about as long as publishing takes Kafka, and neither needs the other.
Invariants: one batch at most is on its way; what became of its deletion is told exactly once, and before it
is, `rows` says which rows a look at the outbox has to pass over, deleted or not.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future


class Departure:
    """A thread that deletes; all methods are for the relay's thread."""

    def __init__(self) -> None:
        self._deleter = ThreadPoolExecutor(1, thread_name_prefix="outbox-departure")
        self._deletion: Future[None] | None = None
        self._rows: Sequence[int] = ()

    def begin(self, rows: Sequence[int], delete: Callable[[], None]) -> None:
        """Let ``delete`` take these rows out of the outbox; the batch before has to be `over`."""
        self._deletion, self._rows = self._deleter.submit(delete), rows

    def rows(self) -> Sequence[int]:
        """Return what is on its way, in its order; raise what a deletion that ended meanwhile raised."""
        if self._deletion and self._deletion.done():
            self.over()
        return self._rows

    def over(self) -> None:
        """Wait until nothing is on its way; raise what the deletion raised: its rows may be there then."""
        deletion, self._deletion, self._rows = self._deletion, None, ()
        if deletion:
            deletion.result()

    def close(self) -> None:
        """Wait for the deletion, and end the thread."""
        self._deleter.shutdown()
