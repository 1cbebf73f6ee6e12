"""The files of one audit log: how they are called, which there are, and how they are read.

``audit.log`` is the segment that is being written. Closed ones lie beside it with their number,
``audit.log.000001``, compressed a little later to ``audit.log.000001.zst``, the latest with the ids of their
events in ``audit.log.000001.ids``, which may outlive them. A file appears under its name by a rename when it
is whole, so that a crash at any moment leaves either the old state or the new one, and left-overs that end in
``.new``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import zstandard

from eventconsumer_workers.audit.chain import Checkpoint, Fault, decoded
from eventconsumer_workers.audit.retention import Beginning, first_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_DIGITS = 6
_READ_BYTES = 1 << 20


class Closed(NamedTuple):
    """One closed segment."""

    number: int
    path: Path
    compressed: bool


class Opened(NamedTuple):
    """A segment that is open for reading."""

    number: int
    """0 stands for a log of the format without chains that is still in use."""
    content: BinaryIO
    active: bool
    """Whether it may still grow."""


class Files:
    """The files of the log whose active segment has this path."""

    def __init__(self, active: Path) -> None:
        self.active = active
        self.lock = active.with_name(f"{active.name}.lock")
        self.again = active.with_name(f"{active.name}.again")

    def closed(self) -> list[Closed]:
        """Return the closed segments in their order; one that is there in both forms, as the compressed."""
        pattern = re.compile(re.escape(self.active.name) + r"\.([0-9]{6,})(\.zst)?")
        found: dict[int, Closed] = {}
        for path in sorted(self.active.parent.iterdir()):
            match = pattern.fullmatch(path.name)
            if match:
                number = int(match[1])
                found[number] = Closed(number, path, compressed=match[2] is not None)
        return [found[number] for number in sorted(found)]

    def oldest(self) -> int:
        """Return the number of the oldest closed segment; 0 where there is none."""
        return next((segment.number for segment in self.closed()), 0)

    def beginnings(self) -> Iterator[Beginning]:
        """Yield what tells of each closed segment, oldest first, up to a gap that the log says nothing of.

        None is read before it is asked for; one that can't be read has an empty first line.
        """
        closed = self.closed()
        reached = self._last_removed(closed) if closed and closed[0].number > 1 else 0
        for segment in closed:
            if segment.number > reached + 1:
                return
            reached = max(reached, segment.number)
            line = self._first_line(segment)
            if line is not None:
                yield Beginning(segment.number, line, self.ids(segment.number).exists())

    def _last_removed(self, closed: list[Closed]) -> int:
        """Return the last segment that the log says it has let go of; 0 where it says nothing."""
        with self.active.open("rb") as active:
            newest = active.readline()
        for line in chain([newest], map(self._first_line, reversed(closed))):
            found = first_checkpoint(line or b"")
            if found is not None and found.removed is not None:
                return found.removed.segment
        return 0

    def _first_line(self, segment: Closed) -> bytes | None:
        content = self.content(segment)
        if content is None:
            return None
        with content:
            try:
                return content.readline()
            except zstandard.ZstdError:
                return b""

    def with_ids(self) -> list[int]:
        """Return the numbers of the segments, there or deleted, whose ids are kept."""
        pattern = re.compile(re.escape(self.active.name) + r"\.([0-9]{6,})\.ids")
        matches = (pattern.fullmatch(path.name) for path in self.active.parent.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def plain(self, number: int) -> Path:
        """Return the path of a closed segment that is not compressed."""
        return self.active.with_name(f"{self.active.name}.{number:0{_DIGITS}}")

    def compressed(self, number: int) -> Path:
        """Return the path of a compressed segment."""
        return self.active.with_name(f"{self.plain(number).name}.zst")

    def ids(self, number: int) -> Path:
        """Return the path of the ids of a closed segment."""
        return self.active.with_name(f"{self.plain(number).name}.ids")

    def sync_folder(self) -> None:
        """Put what was created and renamed on disk as well."""
        folder = os.open(self.active.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def prepare(self, path: Path, pieces: Iterable[bytes]) -> Path:
        """Write a file to disk under its name with ``.new`` at the end, and return that path."""
        new = path.with_name(f"{path.name}.new")
        with new.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return new

    def place(self, path: Path, pieces: Iterable[bytes]) -> None:
        """Make a file appear whole and on disk under its name."""
        self.prepare(path, pieces).replace(path)
        self.sync_folder()

    def opened(self) -> Iterator[Opened]:
        """Yield all segments, the active one last, while a writer may close, compress and delete them."""
        last = 0
        while True:
            for segment in self.closed():
                if segment.number > last:
                    last = segment.number
                    content = self.content(segment)
                    if content is None:
                        continue
                    with content:
                        yield Opened(segment.number, content, active=False)
            try:
                active = self.active.open("rb")
            except FileNotFoundError:
                return
            with active:
                number = number_of(active)
                if number <= last + 1 or all(segment.number <= last for segment in self.closed()):
                    yield Opened(number, active, active=True)
                    return

    def content(self, segment: Closed) -> BinaryIO | None:
        """Open a closed segment that may have been compressed since it was listed; None if it is deleted."""
        for now in (segment, Closed(segment.number, self.compressed(segment.number), compressed=True)):
            with contextlib.suppress(FileNotFoundError):
                return contents(now)
        return None


def number_of(segment: BinaryIO) -> int:
    """Return the number in a segment's first line; 0 where it has none."""
    line = segment.readline()
    segment.seek(0)
    try:
        found = decoded(line)
    except Fault:
        return 0
    return found.segment or 0 if isinstance(found, Checkpoint) else 0


def contents(segment: Closed) -> BinaryIO:
    """Open a closed segment for reading, as it was before it was compressed."""
    if not segment.compressed:
        return segment.path.open("rb")
    reader = zstandard.ZstdDecompressor().stream_reader(
        segment.path.open("rb"), closefd=True, read_across_frames=True
    )
    return io.BufferedReader(reader, _READ_BYTES)


def compress(segment: Path) -> Iterator[bytes]:
    """Yield a file's contents in compressed form, with a checksum."""
    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj(segment.stat().st_size)
    with segment.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            yield compressor.compress(piece)
    yield compressor.flush()
