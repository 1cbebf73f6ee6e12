"""`python -m eventconsumer_workers notification|audit`: one process, from its environment to its exit code.

The code is 0 after SIGTERM or SIGINT and when its credentials were renewed, 1 when it cannot start or meets a
bug; Kubernetes then starts it anew.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eventconsumer_workers import logs
from eventconsumer_workers.audit_log import AuditLog, AuditLogError
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers.audit import Audit
from eventconsumer_workers.handlers.notification import Notification
from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.process import work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.handlers import BatchHandler

_log = logging.getLogger("eventconsumer_workers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker until it is told to stop."""
    parser = argparse.ArgumentParser(prog="eventconsumer-worker", description="Follow a Kafka topic.")
    parser.add_argument("worker", choices=[kind.value for kind in Kind], help="what to do with the events")
    kind = Kind(parser.parse_args(arguments).worker)
    logs.configure(logs.Format.TEXT, sys.stdout)
    try:
        settings = Settings(kind=kind)
        logs.configure(settings.log_format, sys.stdout)
        handler = _handler(settings)
    except (ValidationError, AuditLogError) as fault:
        _log.error("%s", fault)
        return 1
    return work(settings, handler)


def _handler(settings: Settings) -> BatchHandler:
    lines = LogLines(f"eventconsumer_workers.{settings.kind}", sys.stdout, settings.log_format)
    match settings.kind:
        case Kind.NOTIFICATION:
            return Notification(lines)
        case Kind.AUDIT:
            log = AuditLog(settings.audit_log_path)
            _log.info("Loaded %d previously seen events", len(log))
            return Audit(log, lines)


if __name__ == "__main__":
    sys.exit(main())
