"""Opening a log: take its lock, clear up after the last writer, and say where to go on.

Whatever moment the last writer was killed at, the same steps lead to a log that can be written: left-overs
go, a torn tail is cut, a segment that was closed without a successor gets one, and a log of the format
without chains becomes the first segment of one with chains.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_workers.audit import again
from eventconsumer_workers.audit.chain import START, Fault, TakenOver, is_plain
from eventconsumer_workers.audit.files import Closed, Files, contents
from eventconsumer_workers.audit.group import header
from eventconsumer_workers.audit.tail import Tail, read_tail

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_READ_BYTES = 1 << 20


class AuditLogError(Exception):
    """The audit log cannot be opened or gone on with, and waiting does not help; the text tells why."""


class Opened(NamedTuple):
    """A log that is ours."""

    lock: int
    """The file descriptor that holds the lock."""
    tail: Tail


def open_log(files: Files) -> Opened:
    """Lock and heal a log.

    Raise ``AuditLogError`` when it is not ours to write, and ``OSError`` when the disk refuses.
    """
    lock = _locked(files.lock)
    try:
        _sweep(files)
        _begin_where_missing(files)
        try:
            tail = read_tail(files.active)
        except Fault as fault:
            raise AuditLogError(
                f"the audit log {files.active} is damaged: {fault}; `audit verify` says where. Once it is "
                "moved away, a new segment goes on from the one before it"
            ) from fault
        _cut(files, tail)
    except BaseException:
        os.close(lock)
        raise
    return Opened(lock, tail)


def _locked(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        os.close(file)
        raise AuditLogError(
            f"another process writes the audit log (it holds {path}), which takes one writer: stop it first"
        ) from fault
    return file


def _sweep(files: Files) -> None:
    """Remove what an interrupted step left behind."""
    for left in files.active.parent.glob(f"{files.active.name}*.new"):
        left.unlink()
    for segment in files.closed():
        if segment.compressed:
            files.plain(segment.number).unlink(missing_ok=True)


def _begin_where_missing(files: Files) -> None:
    """Make sure that there is a segment to write; note where one may have been lost before it."""
    there = files.active.exists() and files.active.stat().st_size > 0
    if there:
        with files.active.open("rb") as active:
            if not is_plain(active.readline()):
                return
        _set_aside_plain_log(files)
    closed = files.closed()
    if closed and not there:
        # The last writer was stopped between two renames; or someone took the active segment away.
        again.note(files)
    files.place(files.active, [_first_line(files, closed)])


def _set_aside_plain_log(files: Files) -> None:
    """Make a log of the format without chains a closed segment, but for a torn last line."""
    with files.active.open("r+b") as log:
        try:
            # Its writer locks the log itself.
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise AuditLogError(f"another process writes the audit log {files.active}") from fault
        with mmap.mmap(log.fileno(), 0, access=mmap.ACCESS_READ) as content:
            whole = content.rfind(b"\n") + 1
        log.truncate(whole)
        os.fsync(log.fileno())
    if not whole:
        return
    closed = files.closed()
    place = files.plain(closed[-1].number + 1 if closed else 1)
    files.active.rename(place)
    files.sync_folder()
    _log.info("The audit log %s goes on in chains; what it held is in %s", files.active, place)


def _first_line(files: Files, closed: list[Closed]) -> bytes:
    """Return the first line of the segment after the last closed one, or of the first of all."""
    if not closed:
        return header(1, {}, START.decode())[0]
    number, plain = closed[-1].number + 1, describe_plain(closed[-1])
    for segment in reversed(closed):
        if describe_plain(segment) is None:
            tail = _tail_of(files, segment)
            return header(number, tail.heads, tail.last_checkpoint, taken_over=plain)[0]
    return header(number, {}, START.decode(), taken_over=plain)[0]


def describe_plain(segment: Closed) -> TakenOver | None:
    """Describe a closed segment of the format without chains; return None for one with chains."""
    with contents(segment) as content:
        piece = content.readline()
        if not is_plain(piece):
            return None
        length, found = 0, hashlib.sha256()
        while piece:
            length += len(piece)
            found.update(piece)
            piece = content.read(_READ_BYTES)
    return TakenOver(segment.number, length, found.hexdigest())


def _tail_of(files: Files, segment: Closed) -> Tail:
    if not segment.compressed:
        return read_tail(segment.path)
    plain = files.plain(segment.number)
    with contents(segment) as content:
        files.place(plain, iter(lambda: content.read(_READ_BYTES), b""))
    try:
        return read_tail(plain)
    finally:
        plain.unlink()


def _cut(files: Files, tail: Tail) -> None:
    length = files.active.stat().st_size
    if length == tail.length:
        return
    with files.active.open("r+b") as active:
        if tail.damaged:
            again.note(files)
            active.seek(tail.length)
            kept = files.active.with_name(f"{files.active.name}.cut-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            files.place(kept, [active.read()])
            _log.warning("The end of %s is damaged or torn and was moved to %s", files.active, kept)
        _log.warning("Cut %d bytes without a checkpoint off %s", length - tail.length, files.active)
        active.truncate(tail.length)
        os.fsync(active.fileno())
