"""Audit logs in a temporary folder, and events for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.audit.chain import Incoming
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.log import AuditLog
from eventconsumer_workers.audit.query import Wanted, matching
from eventconsumer_workers.envelope import read
from tests.support.events import event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from eventconsumer_workers.handlers.audit import Store

TOPIC = "task-events"
WINDOW = 8


def incoming(offset: int, *, partition: int = 0, indent: int | None = None, **changes: Any) -> Incoming:
    """Return one event at an offset; ``changes`` are those of ``tests.support.events.event``."""
    sent = event(**changes)
    value = json.dumps(sent, indent=indent).encode()
    read_back = read(value, ())
    assert read_back is not None
    return Incoming(partition, offset, sent["event_id"], value, read_back)


def some(offsets: range, *, partition: int = 0) -> list[Incoming]:
    return [incoming(offset, partition=partition) for offset in offsets]


def opened(
    path: Path, *, segment_bytes: int = 1 << 20, window: int = WINDOW, retention: timedelta | None = None
) -> AuditLog:
    return AuditLog(path, TOPIC, segment_bytes=segment_bytes, window=window, retention=retention)


def append(log: Store, events: Sequence[Incoming], topic_id: str | None = None) -> list[Incoming]:
    """Append to a log, wait until that is on disk, and return what was new."""
    begun = log.append(events, topic_id, lambda: True)
    begun.settle()
    return list(begun.new)


def written(
    path: Path,
    *groups: Sequence[Incoming],
    segment_bytes: int = 1 << 20,
    retention: timedelta | None = None,
) -> list[Incoming]:
    """Append groups to a log and close it; return what was new in them."""
    log = opened(path, segment_bytes=segment_bytes, retention=retention)
    try:
        return [event for group in groups for event in append(log, group)]
    finally:
        log.close()


def entries(path: Path) -> list[dict[str, Any]]:
    """Return all entries of a log, as `audit query` gives them."""
    return [
        json.loads(line) for segment in Files(path).opened() for line in matching(segment.content, Wanted())
    ]


def ids(path: Path) -> list[str]:
    return [entry["event_id"] for entry in entries(path)]


def ids_of(events: Sequence[Incoming]) -> list[str]:
    return [event.event_id for event in events]
