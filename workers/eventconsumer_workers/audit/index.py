"""The ids of closed segments, in a file beside each segment, to fill the window after a start.

The file is made of the segment and can be made again: where it is missing or not what was written, the
segment itself is read. It stays when retention deletes the segment, for as long as the window reaches back to
it. Its first line is a hash and the number of ids, and each other line some ids as JSON. The hash is that of
the number, a line feed and all other lines.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec
from zstandard import ZstdError

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
        count = b"%d" % self.count
        files.place(files.ids(number), [_checksum(count, lines), b" ", count, b"\n", lines])


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
            later += _count(kept.read_bytes())


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
        lines = _lines(files.ids(number).read_bytes())
    except FileNotFoundError:
        lines = None
    if lines is not None:
        return [name for line in lines.splitlines() for name in _decode(line)]
    content = None if segment is None else files.content(segment)
    if content is None:
        _log.warning("The ids in %s are damaged, and their segment was deleted", files.ids(number))
        return []
    _log.warning("The ids of segment %d are read from the segment itself", number)
    found: list[str] = []
    with content:
        try:
            found.extend(ids_in(content))
        except ZstdError as fault:
            _log.warning("Segment %d is damaged, and its later ids are not known: %s", number, fault)
    return found


def _count(kept: bytes) -> int:
    """Return how many ids a file has; 0 where that is not certain, so that it stays for too long at worst."""
    hashed, count, lines = _parts(kept)
    return int(count) if hashed == _checksum(count, lines) else 0


def _lines(kept: bytes) -> bytes | None:
    """Return the lines of a file that have ids; None where they are not what was written."""
    hashed, count, lines = _parts(kept)
    # Files of before have a hash of these lines only.
    whole = hashed in (_checksum(count, lines), hashlib.sha256(lines).hexdigest().encode())
    return lines if whole else None


def _parts(kept: bytes) -> tuple[bytes, bytes, bytes]:
    first, _, lines = kept.partition(b"\n")
    hashed, _, count = first.partition(b" ")
    return hashed, count, lines


def _checksum(count: bytes, lines: bytes) -> bytes:
    return hashlib.sha256(b"%b\n%b" % (count, lines)).hexdigest().encode()
