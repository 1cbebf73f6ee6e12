"""The notification worker: one line in the log for each task that was created or completed.

At least once: lines are flushed before the commit, so a crash in between repeats lines and never drops one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.envelope import TaskEvent
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.loglines import ordinary, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from eventconsumer_workers.handlers import Batch
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

    def handle(self, batch: Batch) -> None:
        """Write the line of each task event; events about anything else pass by."""
        told = [
            event for event in batch.events if isinstance(event, TaskEvent) and event.event_type in _WORDS
        ]
        try:
            self._lines.write(_lines(told), told)
        except OSError as fault:
            raise NotDone(f"the log refuses lines: {fault}") from fault

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:  # noqa: ARG002  # the protocol's
        """Go on where Kafka says."""
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def lost(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def close(self) -> None:
        """Hold nothing: the stream belongs to the process."""


def line(event: TaskEvent) -> str:
    """Return the notification of one task event."""
    task = event.data
    words = _WORDS[event.event_type]
    return f"NOTIFICATION: {words} - '{printable(task.title)}' (ID: {printable(task.task_id)})"


def _lines(events: Sequence[TaskEvent]) -> list[str]:
    """Return the line of each event: together where they are ordinary, which takes half the time."""
    plain = [
        f"NOTIFICATION: {_WORDS[event.event_type]} - '{event.data.title}' (ID: {event.data.task_id})"
        for event in events
    ]
    return plain if ordinary(plain) else [line(event) for event in events]
