"""A worker of the tests: its handler is slow, and notes each event on a line of one file that workers share.

Usage: `python -m tests.support.event_worker notification FILE`, told by the workers' environment. What an
event's title says becomes of it: `flaky` fails at its first attempt, `failing` at all, `never` is rejected.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from eventconsumer_workers import logs
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers import Reject, Retry
from eventconsumer_workers.process import work

if TYPE_CHECKING:
    from eventconsumer_workers.handlers import Delivery


class Noting:
    """Notes `key title attempt` of each event when it is done with it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def deliver(self, delivery: Delivery) -> None:
        """Wait a little, then fail or note as the title says."""
        time.sleep(0.002)
        task = delivery.event.task
        title = task.title if task is not None else ""
        if title == "never":
            raise Reject("it says never")
        if title == "failing" or (title == "flaky" and delivery.attempt == 1):
            raise Retry(f"it is {title}")
        key = (delivery.record.key() or b"").decode()
        os.write(self._file, f"{key} {title} {delivery.attempt}\n".encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


if __name__ == "__main__":
    logs.configure(logs.Format.TEXT, sys.stdout)
    sys.exit(work(Settings(kind=Kind.NOTIFICATION), Noting(sys.argv[2])))
