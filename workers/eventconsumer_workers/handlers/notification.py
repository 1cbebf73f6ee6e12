"""The notification worker: one line in the log for each task that was created or completed.

At least once: lines are flushed before the commit, so a crash in between repeats lines and never drops one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.loglines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.envelope import Reading
    from eventconsumer_workers.loglines import LogLines

_WORDS = {
    "task.created": "New task created",
    "task.updated": "Task updated",
    "task.completed": "Task completed",
}


class Notification:
    """Notifies by log line."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines

    def handle(self, readings: Sequence[Reading]) -> None:
        """Write the line of each task event; events about anything else pass by."""
        told = [reading for reading in readings if reading.task is not None]
        try:
            self._lines.write([line(reading) for reading in told], told)
        except OSError as fault:
            raise NotDone(f"the log refuses lines: {fault}") from fault

    def close(self) -> None:
        """Hold nothing: the stream belongs to the process."""


def line(reading: Reading) -> str:
    """Return the notification of one task event."""
    task = reading.task
    if task is None:
        raise ValueError(f"an event of type {reading.event.event_type!r} has no task to tell about")
    words = _WORDS[reading.event.event_type]
    return f"NOTIFICATION: {words} - '{printable(task.title)}' (ID: {printable(task.task_id)})"
