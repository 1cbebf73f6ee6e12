"""Closed segments become small in the background, with what time the processor has left.

The compressed file appears whole, and only then the plain one goes; killed at any moment, the work begins
anew.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from eventconsumer_workers.audit.files import compress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eventconsumer_workers.audit.files import Files

_log = logging.getLogger(__name__)

_LOWEST_PRIORITY = 19


class _Stopped(Exception):  # noqa: N818  # the way out of a half-done file
    pass


class Compression:
    """Compresses what is closed, one segment after the other."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._stop = threading.Event()
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._work, name="audit-compression", daemon=True)
        self._more.set()
        self._thread.start()

    def go_on(self) -> None:
        """Note that there is another closed segment."""
        self._more.set()

    def stop(self) -> None:
        """Leave the rest for the next start."""
        self._stop.set()
        self._more.set()
        self._thread.join()

    def _work(self) -> None:
        # Linux gives each thread a priority of its own.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        while not self._stop.is_set():
            self._more.wait()
            self._more.clear()
            try:
                self._compress_all()
            except _Stopped:
                return
            except OSError as fault:
                _log.warning("A closed segment of the audit log stays uncompressed for now: %s", fault)

    def _compress_all(self) -> None:
        for segment in self._files.closed():
            if not segment.compressed:
                self._files.place(self._files.compressed(segment.number), self._pieces(segment.path))
                segment.path.unlink()

    def _pieces(self, segment: Path) -> Iterator[bytes]:
        for piece in compress(segment):
            if self._stop.is_set():
                raise _Stopped
            yield piece
