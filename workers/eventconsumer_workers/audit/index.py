"""The ids of closed segments, in a file beside each segment, to fill the window after a start.

The file is made of the segment and can be made again: where it is missing or not what was written, the
segment itself is read. It stays when retention deletes the segment, for as long as the window reaches back to
it. Its first line is the hash of the rest and the number of ids, and each other line some ids as JSON.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec

from eventconsumer_workers.audit.chain import Fault, id_of, is_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eventconsumer_workers.audit.files import Closed, Files

_log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(list[str]).decode


class Ids:
    """The ids of a segment in their order, as little memory as they take on disk."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self.count = 0

    def add(self, ids: bytes, count: int) -> None:
        """Add an array of so many ids at the end."""
        if count:
            self._lines.append(ids)
            self.count += count

    def keep(self, files: Files, number: int) -> None:
        """Write the ids of a segment that is about to be closed."""
        lines = b"\n".join([*self._lines, b""])
        files.place(files.ids(number), [f"{_checksum(lines)} {self.count}\n".encode(), lines])


def latest_ids(files: Files, count: int) -> list[str]:
    """Return so many of the latest ids in closed segments, oldest first."""
    found: list[str] = []
    there = {segment.number: segment for segment in files.closed()}
    for number in sorted({*there, *files.with_ids()}, reverse=True):
        if len(found) >= count:
            break
        found[:0] = _ids(files, number, there.get(number))
    return found[-count:]


def forget_ids(files: Files, count: int) -> None:
    """Delete the ids of segments that so many later ids follow."""
    later = 0
    for number in reversed(files.with_ids()):
        kept = files.ids(number)
        if later >= count:
            kept.unlink()
        else:
            with kept.open("rb") as lines:
                later += int(lines.readline().split()[1])


def ids_in(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the ids of all entries among lines, of either format."""
    for line in lines:
        if not is_checkpoint(line):
            try:
                yield id_of(line)
            except Fault:
                # That a line is damaged is for ``verify`` to tell.
                continue


def _ids(files: Files, number: int, segment: Closed | None) -> list[str]:
    try:
        first, _, lines = files.ids(number).read_bytes().partition(b"\n")
    except FileNotFoundError:
        first, lines = b"", b""
    if first.startswith(_checksum(lines).encode()):
        return [name for line in lines.splitlines() for name in _decode(line)]
    content = None if segment is None else files.content(segment)
    if content is None:
        _log.warning("The ids in %s are damaged, and their segment was deleted", files.ids(number))
        return []
    _log.warning("The ids of segment %d are read from the segment itself", number)
    with content:
        return list(ids_in(content))


def _checksum(lines: bytes) -> str:
    return hashlib.sha256(lines).hexdigest()
