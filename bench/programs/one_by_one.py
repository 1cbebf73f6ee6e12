"""The plain worker: poll one message, parse it, do its work, commit it, then the next.

Usage: `python -m bench.programs.one_by_one notification|audit`, told by the workers' environment variables.
Each message is committed as the client does it by default: a request each, not waited for. The client has its
default settings.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


def notify(event: dict[str, Any]) -> None:
    """Log the notification of a created or completed task."""
    task = event.get("data", {})
    if event.get("event_type") == "task.created":
        logger.info("NOTIFICATION: New task created - '%s' (ID: %s)", task.get("title"), task.get("task_id"))
    elif event.get("event_type") == "task.completed":
        logger.info("NOTIFICATION: Task completed - '%s' (ID: %s)", task.get("title"), task.get("task_id"))


class Auditor:
    """Appends an event to the log file, opened for each, and waits for the disk as a durable log must."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[str] = set()

    def __call__(self, event: dict[str, Any]) -> None:
        """Audit one event."""
        if event["event_id"] in self._seen:
            return
        keys = ("event_id", "event_type", "occurred_at", "data", "metadata")
        entry = {key: event.get(key) for key in keys} | {"audited_at": datetime.now(UTC).isoformat()}
        with self._path.open("a") as log:
            log.write(json.dumps(entry) + "\n")
            log.flush()
            os.fsync(log.fileno())
        self._seen.add(event["event_id"])
        logger.info("AUDIT: %s - task_id=%s", event.get("event_type"), event.get("data", {}).get("task_id"))


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    work: Callable[[dict[str, Any]], None] = notify
    if sys.argv[1] == "audit":
        work = Auditor(Path(os.environ["AUDIT_LOG_PATH"]))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": os.environ["KAFKA_GROUP_ID"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([os.environ["KAFKA_TOPIC"]])
    while not stop.is_set():
        message = consumer.poll(1.0)
        if message is None:
            continue
        value = message.value()
        if message.error() is None and value is not None:
            work(json.loads(value.decode()))
            consumer.commit(message=message)
    consumer.close()


if __name__ == "__main__":
    main()
