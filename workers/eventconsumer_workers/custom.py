"""Run a function of your own as a worker: the whole program in one line.

It is the same process as the workers of this package: told by the same environment variables, with the same
loop, retries, dead letters, health, metrics and logs.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eventconsumer_workers import logs
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers.custom import Custom, NoHandlerError
from eventconsumer_workers.process import work

if TYPE_CHECKING:
    from eventconsumer_workers.handlers.custom import Handle

_log = logging.getLogger("eventconsumer_workers")


def run(handle: Handle) -> None:
    """Hand every event to the function until SIGTERM or SIGINT; raise ``SystemExit`` when it cannot start."""
    logs.configure(logs.Format.TEXT, sys.stdout)
    try:
        settings = Settings(kind=Kind.CUSTOM)
        logs.configure(settings.log_format, sys.stdout)
        handler = Custom(handle)
    except (ValidationError, NoHandlerError) as fault:
        _log.error("%s", fault)
        raise SystemExit(1) from fault
    if code := work(settings, handler):
        raise SystemExit(code)
