"""The segment that is being written: groups of lines are appended, one at a time, each on disk when it ended.

A group is written on a thread of its own, so that the next can be made meanwhile. The file is opened such
that a write returns when it is on disk, as if ``fdatasync`` had followed: in one call, in which the thread
needs no turn of the interpreter. The file's length is known at every moment, so what a write left behind that
failed half-way is cut off before the next one, and a file that someone else shortened, replaced or deleted
takes no more lines.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

_MOST_BLOCKS = os.sysconf("SC_IOV_MAX")


class Segment:
    """An open file that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_DSYNC | os.O_CLOEXEC)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audit-writer")
        self.length = os.fstat(self._file).st_size

    def begin(self, blocks: Sequence[bytes]) -> Future[None]:
        """Begin to append blocks, when those before are on disk.

        The future raises ``OSError`` when the disk refuses them.
        """
        self.mend()
        return self._writer.submit(self._write, blocks)

    def mend(self) -> None:
        """Cut off what a failed write left behind; raise ``OSError`` when this is no longer our file."""
        state = os.fstat(self._file)
        if not self._is_at_its_path(state):
            raise OSError(f"someone deleted or replaced {self._path}")
        if state.st_size < self.length:
            raise OSError(f"{self._path} was {self.length} bytes long and someone cut it to {state.st_size}")
        if state.st_size > self.length:
            os.ftruncate(self._file, self.length)

    def close(self) -> None:
        """Let go of the file, once what was begun has ended."""
        self._writer.shutdown()
        file, self._file = self._file, -1
        os.close(file)

    def _write(self, blocks: Sequence[bytes]) -> None:
        length = sum(map(len, blocks))
        written = os.writev(self._file, blocks[:_MOST_BLOCKS])
        if written < length:
            rest = memoryview(b"".join(blocks))[written:]
            while rest:
                rest = rest[os.write(self._file, rest) :]
        self.length += length

    def _is_at_its_path(self, state: os.stat_result) -> bool:
        try:
            return os.path.samestat(state, self._path.stat())
        except FileNotFoundError:
            return False
