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
    from collections.abc import Generator, Iterator

_FETCHED_ROWS = 2000


def verify_database(url: str) -> Finding:
    """Go through all chains of a database to the first fault."""
    entries = 0
    chains: dict[str, int] = {}
    begins: dict[str, int] = {}
    with psycopg.connect(url) as connection:
        # One state of the database for chains and entries, whatever workers write meanwhile.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        removed = removals(connection)
        for log, group, *ends in connection.execute(rows.CHAINS).fetchall():
            topic, partition, sequence, found = ends
            place = f"{group} {chain_name(topic, partition)}"
            head = Head(topic, partition, *removed.get((log, partition), ()))
            if head.sequence:
                begins[place] = head.sequence + 1
            try:
                for _, following_head in followed(connection, log, head):
                    head = following_head
                    entries += 1
                _agree(head, sequence, found)
            except Fault as fault:
                return Finding(entries, chains, begins, f"{place}, sequence {head.sequence + 1}: {fault}")
            chains[place] = head.sequence
        return Finding(entries, chains, begins, _chainless(connection))


def removals(connection: psycopg.Connection[Any]) -> dict[tuple[int, int], tuple[int, int, str]]:
    """Return sequence, next offset and hash that chains go on from whose beginning was removed."""
    if connection.execute(rows.REMOVALS_EXIST).fetchone() != (True,):
        return {}
    # The next offset is not looked at here: a topic that was made anew counts from 0 again.
    found = connection.execute(rows.LAST_REMOVALS).fetchall()
    return {(log, partition): (sequence, 0, last) for log, partition, sequence, last in found}


def followed(
    connection: psycopg.Connection[Any], log: int, head: Head
) -> Generator[tuple[Entry, Head], None, None]:
    """Yield the entries of a chain behind a place, each with the chain's end after it.

    Raise ``Fault`` at the first that is not the one that was written there.
    """
    with connection.cursor(name="chain") as cursor:
        cursor.itersize = _FETCHED_ROWS
        # In another zone a time may be in a year that Python does not know.
        connection.execute("SET LOCAL timezone = 'UTC'")
        cursor.execute(rows.CHAIN, {"log": log, "partition": head.partition})
        try:
            for line, *columns in cursor:
                entry = _entry(line, columns)
                if (entry.topic, entry.partition) != (head.topic, head.partition):
                    raise Fault("the entry is of another chain")
                # A topic that was made anew counts its offsets from 0 again, and no checkpoint tells of it.
                head = following(msgspec.structs.replace(head, next_offset=0), entry)
                yield entry, head
        except psycopg.DataError as fault:
            raise Fault(f"a row has what no worker writes: {fault}") from fault


def _entry(line: str, columns: list[Any]) -> Entry:
    entry = opened(line.encode() + b"\n")
    if not isinstance(entry, Entry):
        raise Fault("the row's line is no entry")
    rows.check(entry, columns)
    return entry


def _agree(head: Head, sequence: int, found: str) -> None:
    if (head.sequence, head.hash) != (sequence, found):
        raise Fault(f"the chain ends at sequence {head.sequence}, its writer at {sequence}")


def _chainless(connection: psycopg.Connection[Any]) -> str | None:
    """Return which entries nobody went through, since no chain is known that they are of."""
    row = connection.execute(rows.CHAINLESS).fetchone()
    if row is None:
        return None
    group, topic, partition = row
    return f"{group} {chain_name(topic, partition)}: it has entries, and its row in audit_chains is missing"


def query_database(url: str, wanted: Wanted) -> Iterator[bytes]:
    """Yield the entries that are asked for, as they are stored."""
    with psycopg.connect(url) as connection, connection.cursor(name="query") as cursor:
        cursor.itersize = _FETCHED_ROWS
        cursor.execute(rows.QUERY, rows.asked(wanted))
        found = (line.encode() + b"\n" for (line,) in cursor)
        # Of a long task id the column has the beginning; the line has all of it.
        yield from found if wanted.task is None else matching(found, Wanted(task=wanted.task))
