"""What people ask of an audit log in a database: is it what was written, and what does it hold.

Each row's line is held to the same rule as a line in a file, its columns against its line, and the end of
each chain against what the writers' transactions say that it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from eventconsumer_workers.audit import rows
from eventconsumer_workers.audit.chain import Entry, Fault, Head, chain_name, opened
from eventconsumer_workers.audit.follower import following
from eventconsumer_workers.audit.query import Wanted, matching
from eventconsumer_workers.audit.verify import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_FETCHED_ROWS = 2000


def verify_database(url: str) -> Finding:
    """Go through all chains of a database to the first fault."""
    entries = 0
    chains: dict[str, int] = {}
    begins: dict[str, int] = {}
    with psycopg.connect(url) as connection:
        # One state of the database for chains and entries, whatever workers write meanwhile.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        removed = _removed(connection)
        for log, group, *ends in connection.execute(rows.CHAINS).fetchall():
            topic, partition, sequence, found = ends
            place = f"{group} {chain_name(topic, partition)}"
            head = Head(topic, partition, *removed.get((log, partition), ()))
            if head.sequence:
                begins[place] = head.sequence + 1
            try:
                for following_head in _followed(connection, log, head):
                    head = following_head
                    entries += 1
                _agree(head, sequence, found)
            except Fault as fault:
                return Finding(entries, chains, begins, f"{place}, sequence {head.sequence + 1}: {fault}")
            chains[place] = head.sequence
    return Finding(entries, chains, begins, None)


def _removed(connection: psycopg.Connection[Any]) -> dict[tuple[int, int], tuple[int, int, str]]:
    """Return sequence, next offset and hash that chains go on from whose beginning was removed."""
    if connection.execute(rows.REMOVALS_EXIST).fetchone() != (True,):
        return {}
    # The next offset is not looked at here: a topic that was made anew counts from 0 again.
    found = connection.execute(rows.LAST_REMOVALS).fetchall()
    return {(log, partition): (sequence, 0, last) for log, partition, sequence, last in found}


def _agree(head: Head, sequence: int, found: str) -> None:
    if (head.sequence, head.hash) != (sequence, found):
        raise Fault(f"the chain ends at sequence {head.sequence}, its writer at {sequence}")


def query_database(url: str, wanted: Wanted) -> Iterator[bytes]:
    """Yield the entries that are asked for, as they are stored."""
    with psycopg.connect(url) as connection, connection.cursor(name="query") as cursor:
        cursor.itersize = _FETCHED_ROWS
        cursor.execute(rows.QUERY, rows.asked(wanted))
        found = (line.encode() + b"\n" for (line,) in cursor)
        # Of a long task id the column has the beginning; the line has all of it.
        yield from found if wanted.task is None else matching(found, Wanted(task=wanted.task))


def _followed(connection: psycopg.Connection[Any], log: int, head: Head) -> Iterator[Head]:
    """Yield the chain's end after each of its entries."""
    with connection.cursor(name="chain") as cursor:
        cursor.itersize = _FETCHED_ROWS
        cursor.execute(rows.CHAIN, {"log": log, "partition": head.partition})
        for sequence, event_id, line in cursor:
            entry = opened(line.encode() + b"\n")
            if not isinstance(entry, Entry) or (sequence, event_id) != (
                entry.sequence,
                rows.text(entry.event_id),
            ):
                raise Fault("the row's columns are not those of its line")
            if (entry.topic, entry.partition) != (head.topic, head.partition):
                raise Fault("the entry is of another chain")
            # A topic that was made anew counts its offsets from 0 again, and no checkpoint tells of it here.
            head = following(msgspec.structs.replace(head, next_offset=0), entry)
            yield head
