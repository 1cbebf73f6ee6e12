"""The worker proves its own log now and then, so that a changed byte does not wait until somebody asks.

It takes its time: a few thousand lines, then a rest, so that events do not wait for it.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""After a start there is a backlog to read first."""
_EVERY_SECONDS = 6 * 3600.0
_REST_SECONDS = 0.05


class _Stopped(Exception):  # noqa: N818  # the way out of a long walk
    pass


@contextmanager
def proven(
    log: Path, whole: Callable[[datetime], None], *, first_seconds: float = FIRST_SECONDS
) -> Iterator[None]:
    """Verify a log every few hours in the background; tell ``whole`` when it was, or log the fault."""
    stop = threading.Event()

    def rest() -> None:
        if stop.wait(_REST_SECONDS):
            raise _Stopped

    def work() -> None:
        wait = first_seconds
        while not stop.wait(wait):
            try:
                _prove(Files(log), whole, rest)
            except _Stopped:
                return
            except Exception:  # noqa: BLE001  # whatever it is, the next proof is due all the same
                _log.exception("The audit log could not be verified")
            wait = _EVERY_SECONDS

    thread = threading.Thread(target=work, name="audit-proof", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _prove(files: Files, whole: Callable[[datetime], None], rest: Callable[[], None]) -> None:
    try:
        finding = verify(files, rest=rest)
    except OSError as fault:
        _log.warning("The audit log could not be verified: %s", fault)
        return
    if finding.fault is None:
        whole(datetime.now(UTC))
    else:
        _log.error("The audit log is damaged at %s", finding.fault)
