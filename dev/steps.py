"""Progress for people: one line when a step begins to take time, one with its elapsed time when it ends."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEARTBEAT_SECONDS = 15.0
_print_lock = threading.Lock()


def say(text: str) -> None:
    """Print one whole line to standard error, never interleaved with another thread's."""
    with _print_lock:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, keep saying that it is alive every 15 s, and close it with its elapsed time.

    A step that raises is closed with ``failed``; the exception travels on.
    """
    started = time.monotonic()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_HEARTBEAT_SECONDS):
            say(f"  … {title}: {time.monotonic() - started:.0f} s so far")

    say(f"▸ {title}")
    threading.Thread(target=beat, daemon=True).start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        ended.set()
        say(f"{'✓' if outcome == 'done' else '✗'} {title}: {outcome} in {time.monotonic() - started:.1f} s")
