"""`audit verify`, `query` and `remove`: what people and scripts want of an audit log, beside its writer.

They need no lock and may run in the worker's own pod while it writes. The first two only read; the last is
for a log in a database, since the worker itself shortens one on a volume.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from pydantic import Field
from pydantic_settings import BaseSettings
from zstandard import ZstdError

from eventconsumer_workers.audit.chain import Fault
from eventconsumer_workers.audit.database import query_database, verify_database
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.query import Wanted, matching, moment
from eventconsumer_workers.audit.removal import remove_from_database
from eventconsumer_workers.audit.verify import Finding, verify

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Place(BaseSettings):
    """Where the log is, by the worker's own environment."""

    audit_log_path: Path = Path("audit.log")
    audit_database_url: str | None = Field(default=None, repr=False)


def run(words: Sequence[str]) -> int:
    """Run one command; return 0 when it found what it should, 1 for a fault, 2 for a wrong question."""
    given = _parser().parse_args(words)
    try:
        return int(given.command(given, _Place()))
    except BrokenPipeError:
        # Whoever read the answer has enough of it.
        sys.stderr.close()
        return 0
    except (OSError, psycopg.Error) as fault:
        print(f"The audit log can't be read: {fault}", file=sys.stderr)  # noqa: T201  # a command's answer
        return 2
    except Fault as fault:
        print(f"The audit log is damaged: {fault}", file=sys.stderr)  # noqa: T201  # a command's answer
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="eventconsumer-worker audit", description="Ask an audit log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "verify", help="prove that it is what was written; exit code 1 when it is not"
    )
    check.set_defaults(command=_verify)
    query = commands.add_parser("query", help="print entries as JSON lines")
    query.set_defaults(command=_query)
    query.add_argument("--task", help="entries about this task, by its id")
    query.add_argument("--type", dest="event_type", help="entries of this event type")
    query.add_argument("--since", type=moment, help="entries about events from this time on, in ISO 8601")
    query.add_argument("--until", type=moment, help="entries about events before this time")
    remove = commands.add_parser("remove", help="delete old entries of a log in a database")
    remove.set_defaults(command=_remove)
    remove.add_argument(
        "--keep-days", type=_days, required=True, help="how many days an entry is kept after it was audited"
    )
    for command in (check, query):
        command.add_argument(
            "--log", type=Path, help="path of the log (default: $AUDIT_DATABASE_URL or $AUDIT_LOG_PATH)"
        )
    return parser


def _days(text: str) -> timedelta:
    days = int(text)
    if days < 1:
        raise argparse.ArgumentTypeError("it takes one day or more")
    return timedelta(days)


def _remove(given: argparse.Namespace, place: _Place) -> int:
    if place.audit_database_url is None:
        raise OSError("AUDIT_DATABASE_URL is not set; on a volume, AUDIT_RETENTION_DAYS tells the worker")
    removed = remove_from_database(place.audit_database_url, datetime.now(UTC) - given.keep_days)
    for chain, last in sorted(removed.items()):
        print(f"{chain}: removed to sequence {last}")  # noqa: T201  # a command's answer
    return 0


def _verify(given: argparse.Namespace, place: _Place) -> int:
    database = place.audit_database_url
    if given.log is None and database is not None:
        return _tell(verify_database(database))
    return _tell(verify(Files(given.log or place.audit_log_path)))


def _query(given: argparse.Namespace, place: _Place) -> int:
    wanted = Wanted(given.task, given.event_type, given.since, given.until)
    database = place.audit_database_url
    if given.log is None and database is not None:
        sys.stdout.buffer.writelines(query_database(database, wanted))
        whole = True
    else:
        whole = _print_matching(Files(given.log or place.audit_log_path), wanted)
    sys.stdout.buffer.flush()
    return 0 if whole else 1


def _print_matching(files: Files, wanted: Wanted) -> bool:
    """Print what is asked for of all segments; return whether each could be read to its end."""
    whole = True
    for segment in files.opened():
        try:
            sys.stdout.buffer.writelines(matching(segment.content, wanted))
        except ZstdError as fault:
            whole = False
            print(f"Segment {segment.number} is damaged and not read to its end: {fault}", file=sys.stderr)  # noqa: T201  # a command's answer
    return whole


def _span(place: str, first: int, last: int) -> str:
    if first > last:
        return f"{place} none of {last}"
    return f"{place} to sequence {last}" if first == 1 else f"{place} from sequence {first} to {last}"


def _tell(finding: Finding) -> int:
    chains = ", ".join(
        _span(place, finding.begins.get(place, 1), last) for place, last in sorted(finding.chains.items())
    )
    sound = f"{finding.entries} entries are sound ({chains or 'no chain'})"
    if finding.fault is None:
        removed = "; what came before, retention removed" if finding.begins else ""
        print(f"The audit log is whole: {sound}{removed}")  # noqa: T201  # a command's answer
        return 0
    print(f"The audit log is damaged at {finding.fault}\nBefore it, {sound}")  # noqa: T201  # a command's answer
    return 1
