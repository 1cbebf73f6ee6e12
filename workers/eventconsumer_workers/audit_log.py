"""The audit log on disk: JSON lines, only ever appended, each event id once.

The invariant at every moment, whoever kills the process: all lines but a torn last one are whole, no id is in
them twice, and what ``append`` has returned is on disk. One process holds the log at a time, by a lock on the
file itself, which the kernel gives back when its holder dies.
"""

from __future__ import annotations

import fcntl
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Batch, Record

_log = logging.getLogger(__name__)

_TAIL_BYTES = 1 << 16


class AuditLogError(Exception):
    """The audit log cannot be opened; the text tells a person why."""


class Entry(msgspec.Struct, gc=False):
    """One line: an audited event, its data as received."""

    event_id: str
    event_type: str
    occurred_at: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    audited_at: str


class _IdOnly(msgspec.Struct, gc=False):
    event_id: str


class _Parts(msgspec.Struct, gc=False):
    data: msgspec.Raw
    metadata: msgspec.Raw


_parts = msgspec.json.Decoder(_Parts)
_lines = msgspec.json.Encoder()
_id_of_line = msgspec.json.Decoder(_IdOnly)


class AuditLog:
    """The open log: opening it locks it, heals its tail and learns which events it has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open_locked(path)
        try:
            self._length = _heal(self._file, path)
            self._seen = _ids(path)
        except BaseException:
            os.close(self._file)
            raise

    def __len__(self) -> int:
        """Return the number of different events in the log."""
        return len(self._seen)

    def append(self, batch: Batch) -> list[Event]:
        """Put the events that the log lacks on disk and return them; raise ``OSError`` when the disk refuses.

        After a failure the same events may be given again: what a failed write left behind is cut off first.
        """
        new: dict[str, tuple[Event, Record]] = {}
        for event, record in zip(batch.events, batch.records, strict=True):
            key = event.event_id.lower()
            if key not in self._seen:
                new.setdefault(key, (event, record))
        if new:
            block = _encode(list(new.values()), audited_at=datetime.now(UTC).isoformat())
            self._cut_unfinished()
            _write_all(self._file, block)
            os.fdatasync(self._file)
            self._length += len(block)
            self._seen.update(new)
        return [event for event, _ in new.values()]

    def close(self) -> None:
        """Give up the log and its lock."""
        os.close(self._file)

    def _cut_unfinished(self) -> None:
        length = os.fstat(self._file).st_size
        if length < self._length:
            raise OSError(f"{self._path} was {self._length} bytes long and someone cut it to {length}")
        if length > self._length:
            os.ftruncate(self._file, self._length)


def _open_locked(path: Path) -> int:
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as fault:
        raise AuditLogError(f"cannot open the audit log {path}: {fault.strerror}") from fault
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(file)
        raise AuditLogError(
            f"another process writes the audit log {path}: it takes one writer, so stop the other one first"
        ) from fault
    # A new file survives a crash only when its folder's entry is on disk as well.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return file


def _heal(file: int, path: Path) -> int:
    """Cut off a torn last line and return the log's length in bytes."""
    length = os.fstat(file).st_size
    whole = _end_of_last_line(file, length)
    if whole < length:
        _log.warning("Cut %d bytes of a torn last line off %s", length - whole, path)
        os.ftruncate(file, whole)
        os.fdatasync(file)
    return whole


def _end_of_last_line(file: int, length: int) -> int:
    end = length
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _ids(path: Path) -> set[str]:
    decode = _id_of_line.decode
    ids: set[str] = set()
    unreadable = 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                ids.add(decode(line).event_id.lower())
            except (msgspec.DecodeError, RecursionError):
                unreadable += 1
    if unreadable:
        _log.warning("%d lines of %s are no audit entries; they stay as they are", unreadable, path)
    return ids


def _encode(events: Sequence[tuple[Event, Record]], *, audited_at: str) -> bytes:
    block = _lines.encode_lines([_entry(*event, audited_at) for event in events])
    if block.count(b"\n") == len(events) and b"\r" not in block:
        return block
    # A pretty-printed event: in JSON a bare line break is only space, so it can go.
    return b"".join([_on_one_line(_lines.encode(_entry(*event, audited_at))) for event in events])


def _entry(event: Event, record: Record, audited_at: str) -> Entry:
    parts = _parts.decode(record.value() or b"")
    return Entry(event.event_id, event.event_type, event.occurred_at, parts.data, parts.metadata, audited_at)


def _on_one_line(entry: bytes) -> bytes:
    return entry.translate(None, b"\r\n") + b"\n"


def _write_all(file: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(file, rest) :]
