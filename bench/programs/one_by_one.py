"""The plain worker: poll one message, parse it, do its work, commit it, then the next.

Usage: `python -m bench.programs.one_by_one notification|audit|postgres|wait`, told by the workers'
environment variables. Each message is committed as the client does it by default: a request each, not waited
for. The client has its default settings.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
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


class Inserter:
    """Inserts an event into PostgreSQL and commits, each for itself."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE TABLE audit (event_id uuid PRIMARY KEY, event jsonb NOT NULL)")

    def __call__(self, event: dict[str, Any]) -> None:
        """Insert one event."""
        self._connection.execute(
            "INSERT INTO audit VALUES (%s, %s) ON CONFLICT DO NOTHING", (event["event_id"], json.dumps(event))
        )


def wait(_: dict[str, Any]) -> None:
    """Wait as for somebody's answer."""
    time.sleep(0.005)


def _work(kind: str) -> Callable[[dict[str, Any]], None]:
    match kind:
        case "audit":
            return Auditor(Path(os.environ["AUDIT_LOG_PATH"]))
        case "postgres":
            return Inserter(os.environ["AUDIT_DATABASE_URL"])
        case "wait":
            return wait
        case _:
            return notify


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    work = _work(sys.argv[1])
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
