"""The audit worker: every event once in the audit log, and a line in the log for each.

An event counts as done when the audit log has it on disk; an event that is there already is done.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.loglines import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_workers.audit_log import AuditLog
    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Batch
    from eventconsumer_workers.loglines import LogLines


class Audit:
    """Keeps the audit log."""

    def __init__(self, log: AuditLog, lines: LogLines) -> None:
        self._log = log
        self._lines = lines

    def handle(self, batch: Batch) -> None:
        """Append the events that the audit log does not have yet."""
        try:
            appended = self._log.append(batch)
        except OSError as fault:
            raise NotDone(f"the audit log cannot be written: {fault}") from fault
        # The work is on disk; its echo on the console must not undo that.
        with contextlib.suppress(OSError):
            self._lines.write([line(event) for event in appended], appended)

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:  # noqa: ARG002  # the protocol's
        """Go on where Kafka says."""
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def lost(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def close(self) -> None:
        """Close the audit log and give up its lock."""
        self._log.close()


def line(event: Event) -> str:
    """Return the log line of one audited event."""
    task_id = None if event.task is None else printable(event.task.task_id)
    return f"AUDIT: {printable(event.event_type)} - task_id={task_id}"
