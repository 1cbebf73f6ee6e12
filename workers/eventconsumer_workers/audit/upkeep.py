"""What becomes of closed segments, in the background, with what time the processor has left.

Those that retention has let go of are deleted, oldest first, and the others become small. The compressed file
appears whole, and only then the plain one goes; killed at any moment, the work begins anew.
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

    from eventconsumer_workers.audit.chain import Removed
    from eventconsumer_workers.audit.files import Files

_log = logging.getLogger(__name__)

_LOWEST_PRIORITY = 19


class _Stopped(Exception):  # noqa: N818  # the way out of a half-done file
    pass


class Upkeep:
    """Deletes and compresses what is closed, one segment after the other and never two at once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._removed: Removed | None = None
        self._stop = threading.Event()
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._work, name="audit-upkeep", daemon=True)
        self._more.set()
        self._thread.start()

    def go_on(self, removed: Removed | None) -> None:
        """Note that there is another closed segment, and which ones the log has let go of."""
        self._removed = removed or self._removed
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
                if self._removed is not None:
                    self._delete(self._removed)
                self._compress_all()
            except _Stopped:
                return
            except OSError as fault:
                _log.warning("A closed segment of the audit log stays as it is for now: %s", fault)

    def _delete(self, removed: Removed) -> None:
        for segment in self._files.closed():
            if segment.number <= removed.segment:
                self._files.plain(segment.number).unlink(missing_ok=True)
                self._files.compressed(segment.number).unlink(missing_ok=True)
                _log.info("Deleted %s: it was closed before %s", segment.path, removed.before)

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
