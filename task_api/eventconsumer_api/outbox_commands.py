"""`eventconsumer-api outbox list-rejected|retry`: what Kafka refused, for whoever may reach the database."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from eventconsumer_api.services.rejected_events import RejectedEventService
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    import argparse

    from eventconsumer_api.storage.outbox import RejectedEvent

_COLUMNS = "{:>8}  {:36}  {:14}  {:16}  {}"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `outbox` to a command line."""
    actions = commands.add_parser("outbox", help="see and retry events that Kafka refused").add_subparsers(
        dest="action", required=True
    )
    actions.add_parser("list-rejected", help="tell of every event that was set aside, and why")
    retry = actions.add_parser("retry", help="publish again; it comes behind the task's later events")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("number", nargs="*", type=int, default=[], help="as `list-rejected` tells it")
    which.add_argument("--all", action="store_true", help="every event that was set aside")


def run(command: argparse.Namespace, database_url: str) -> int:
    """Do what the command says; return the exit code."""
    with closing(Database(database_url)) as database:
        try:
            schema.migrate(database)
            return _do(command, RejectedEventService(database))
        except (DatabaseUnavailable, schema.SchemaMismatch) as failure:
            sys.stderr.write(f"{failure}\n")
            return 1


def _do(command: argparse.Namespace, service: RejectedEventService) -> int:
    if command.action == "list-rejected":
        lines = [_COLUMNS.format("NUMBER", "TASK", "EVENT", "CREATED", "REASON")]
        lines += [_line(event) for event in service.find()]
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    found = service.retry(None if command.all else command.number)
    sys.stdout.write(f"{found} will be published again.\n")
    return 0 if command.all or found == len(set(command.number)) else 1


def _line(event: RejectedEvent) -> str:
    created = event.created_at.strftime("%Y-%m-%d %H:%M")
    return _COLUMNS.format(event.sequence, event.task_id, event.type, created, event.reason)
