"""`python -m eventconsumer_workers notification|audit`: one process, from its environment to its exit code.

The code is 0 after SIGTERM or SIGINT and when its credentials were renewed, 1 when it cannot start or meets a
bug; Kubernetes then starts it anew.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eventconsumer_workers import logs
from eventconsumer_workers.audit_log import AuditLog, AuditLogError
from eventconsumer_workers.broker import Subscription
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.credentials import CredentialsError, files, watched
from eventconsumer_workers.handlers.audit import Audit
from eventconsumer_workers.handlers.notification import Notification
from eventconsumer_workers.health import Pulse, served
from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.loop import Loop

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
    try:
        _work(settings, handler)
    except CredentialsError as fault:
        _log.error("%s", fault)
        return 1
    finally:
        handler.close()
    return 0


def _handler(settings: Settings) -> BatchHandler:
    lines = LogLines(f"eventconsumer_workers.{settings.kind}", sys.stdout, settings.log_format)
    match settings.kind:
        case Kind.NOTIFICATION:
            return Notification(lines)
        case Kind.AUDIT:
            log = AuditLog(settings.audit_log_path)
            _log.info("Loaded %d previously seen events", len(log))
            return Audit(log, lines)


def _work(settings: Settings, handler: BatchHandler) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pulse = Pulse()
    with served(pulse, settings.health_port), watched(files(settings), stop.set):
        _log.info(
            "The %s worker follows %s as group %s",
            settings.kind,
            settings.kafka_topic,
            settings.kafka_group_id,
        )
        Loop(Subscription(settings), handler, wanted=settings.event_types, pulse=pulse, stop=stop).run()
    _log.info("The %s worker has left its group", settings.kind)


if __name__ == "__main__":
    sys.exit(main())
