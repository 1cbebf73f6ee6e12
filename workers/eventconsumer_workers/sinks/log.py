"""The log sink: one line an event on the worker's own log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.loglines import printable
from eventconsumer_workers.sinks import Unavailable

if TYPE_CHECKING:
    from eventconsumer_workers.loglines import LogLines
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.templates import Templates


class Log:
    """Writes lines."""

    def __init__(self, lines: LogLines, templates: Templates) -> None:
        self._lines = lines
        self._templates = templates

    def deliver(self, notification: Notification) -> None:
        """Write the event's line; an event that has no words passes by."""
        if not self._templates.has(notification.event_type):
            return
        text = printable(self._templates.render(notification))
        try:
            self._lines.write([f"NOTIFICATION: {text}"], [notification])
        except OSError as fault:
            raise Unavailable(f"the log refuses lines: {fault}") from fault

    def close(self) -> None:
        """Hold nothing: the stream belongs to the process."""
