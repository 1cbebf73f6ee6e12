"""`python -m eventconsumer_workers notification|audit|custom`: one process, from environment to exit code.

The code is 0 after SIGTERM or SIGINT and when its credentials were renewed, 1 when it cannot start or meets a
bug; Kubernetes then starts it anew.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eventconsumer_workers import logs, redriver
from eventconsumer_workers.audit import COMMANDS
from eventconsumer_workers.audit.log import AuditLog
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers.audit import Audit, Store
from eventconsumer_workers.handlers.custom import Custom, NoHandlerError, resolve
from eventconsumer_workers.handlers.notification import Notification
from eventconsumer_workers.handlers.sinks import ToSinks
from eventconsumer_workers.inquiry import Inquiry
from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.process import work
from eventconsumer_workers.sinks import SinkError
from eventconsumer_workers.sinks.settings import ONLY_THE_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.handlers import BatchHandler, EventHandler

_log = logging.getLogger("eventconsumer_workers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker until it is told to stop."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == [Kind.AUDIT] and words[1:2] and words[1] in COMMANDS:
        # The database's client takes 11 MB of memory, which only those pay that use it.
        from eventconsumer_workers.audit import commands  # noqa: PLC0415

        return commands.run(words[1:])
    if words[:1] == ["redrive"]:
        return redriver.run(words[1:])
    parser = argparse.ArgumentParser(
        prog="eventconsumer-worker",
        description="Follow a Kafka topic.",
        epilog="Beside these: `audit verify`, `query` and `remove`, and `redrive` for the dead letters.",
    )
    parser.add_argument("worker", choices=[kind.value for kind in Kind], help="what to do with the events")
    parser.add_argument(
        "handler", nargs="?", help="for custom, the function that handles an event: module:function"
    )
    given = parser.parse_args(words)
    kind = Kind(given.worker)
    if (kind is Kind.CUSTOM) != (given.handler is not None):
        parser.error("custom, and nothing else, takes a handler: custom module:function")
    logs.configure(logs.Format.TEXT, sys.stdout)
    try:
        settings = Settings(kind=kind)
        logs.configure(settings.log_format, sys.stdout)
        handler = _handler(settings, given.handler)
    except (ValidationError, AuditLogError, NoHandlerError, SinkError) as fault:
        _log.error("%s", fault)
        return 1
    return work(settings, handler)


def _handler(settings: Settings, function: str) -> BatchHandler | EventHandler | ToSinks:
    lines = LogLines(f"eventconsumer_workers.{settings.kind}", sys.stdout, settings.log_format)
    match settings.kind:
        case Kind.NOTIFICATION:
            if settings.notification_sinks == ONLY_THE_LOG:
                return Notification(lines)
            return ToSinks(settings.notification_sinks, os.environ, lines)
        case Kind.AUDIT:
            audit = Audit(partial(_store, settings), lines, Inquiry(settings))
            audit.open()
            return audit
        case Kind.CUSTOM:
            return Custom(resolve(function))


def _store(settings: Settings) -> Store:
    if settings.audit_database_url is not None:
        from eventconsumer_workers.audit.postgres import PostgresLog  # noqa: PLC0415  # as above

        return PostgresLog(
            settings.audit_database_url, group=settings.kafka_group_id, topic=settings.kafka_topic
        )
    days = settings.audit_retention_days
    log = AuditLog(
        settings.audit_log_path, settings.kafka_topic, retention=None if days is None else timedelta(days)
    )
    _log.info("Loaded %d previously seen events", len(log))
    return log


if __name__ == "__main__":
    sys.exit(main())
