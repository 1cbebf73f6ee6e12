"""Run a function of your own as a worker: the whole program in one line.

It is the same process as the workers of this package: told by the same environment variables, with the same
loop, retries, dead letters, health, metrics and logs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_workers.handlers.custom import Handle


def run(handle: Handle) -> None:
    """Hand every event to the function until SIGTERM or SIGINT; raise ``SystemExit`` when it cannot start."""
