"""Audit logs in a temporary folder, and events for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import zstandard

from eventconsumer_workers.audit.chain import Incoming
from eventconsumer_workers.audit.files import Files, contents
from eventconsumer_workers.audit.log import AuditLog
from eventconsumer_workers.audit.query import Wanted, matching
from eventconsumer_workers.envelope import read
from tests.support.events import event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers.audit import Store

TOPIC = "task-events"
WINDOW = 8


class Sent(NamedTuple):
    """One event on its way into a log."""

    partition: int
    offset: int
    event_id: str
    value: bytes
    event: Event


def incoming(offset: int, *, partition: int = 0, indent: int | None = None, **changes: Any) -> Sent:
    """Return one event at an offset; ``changes`` are those of ``tests.support.events.event``."""
    sent = event(**changes)
    value = json.dumps(sent, indent=indent).encode()
    read_back = read(value, ())
    assert read_back is not None
    return Sent(partition, offset, sent["event_id"], value, read_back)


def some(offsets: range, *, partition: int = 0) -> list[Sent]:
    return [incoming(offset, partition=partition) for offset in offsets]


def opened(
    path: Path,
    topic: str = TOPIC,
    *,
    segment_bytes: int = 1 << 20,
    window: int = WINDOW,
    retention: timedelta | None = None,
) -> AuditLog:
    return AuditLog(path, topic, segment_bytes=segment_bytes, window=window, retention=retention)


def columns(events: Sequence[Sent]) -> list[Incoming]:
    """Return events as a log takes them: by partition, in columns."""
    found: dict[int, Incoming] = {}
    for one in events:
        part = found.setdefault(one.partition, Incoming(one.partition, [], [], [], []))
        part.add(Incoming(one.partition, [one.offset], [one.event_id], [one.value], [one.event]))
    return list(found.values())


def append(log: Store, events: Sequence[Sent], topic_id: str | None = None) -> list[Sent]:
    """Append to a log, wait until that is on disk, and return what was new."""
    begun = log.append(columns(events), topic_id, lambda: True)
    begun.settle()
    return [Sent(part.partition, *row) for part in begun.new for row in zip(*part[1:], strict=True)]


def written(
    path: Path,
    *groups: Sequence[Sent],
    segment_bytes: int = 1 << 20,
    retention: timedelta | None = None,
) -> list[Sent]:
    """Append groups to a log and close it; return what was new in them."""
    log = opened(path, segment_bytes=segment_bytes, retention=retention)
    try:
        return [event for group in groups for event in append(log, group)]
    finally:
        log.close()


def packed(path: Path, content: bytes | None = None, *, number: int = 1) -> Path:
    """Return a closed segment of a closed log, compressed: as it was, or with other contents."""
    files = Files(path)
    (closed,) = (segment for segment in files.closed() if segment.number == number)
    place = files.compressed(number)
    if content is None:
        with contents(closed) as whole:
            content = whole.read()
    place.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(content))
    files.plain(number).unlink(missing_ok=True)
    return place


def flip(path: Path) -> None:
    """Damage the byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def entries(path: Path) -> list[dict[str, Any]]:
    """Return all entries of a log, as `audit query` gives them."""
    return [
        json.loads(line) for segment in Files(path).opened() for line in matching(segment.content, Wanted())
    ]


def ids(path: Path) -> list[str]:
    return [entry["event_id"] for entry in entries(path)]


def ids_of(events: Sequence[Sent]) -> list[str]:
    return [event.event_id for event in events]
