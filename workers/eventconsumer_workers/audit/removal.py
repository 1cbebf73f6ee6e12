"""Deleting old entries of an audit log in a database, so that what is left is still proven.

Not the worker's business: its role in the database needs no right to delete. Of each chain, the oldest
entries go in one transaction with a record of where the chain goes on from, which ``verify`` begins at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from eventconsumer_workers.audit import rows
from eventconsumer_workers.audit.chain import Entry, Fault, chain_name, opened
from eventconsumer_workers.audit.query import moment

if TYPE_CHECKING:
    from datetime import datetime

    Connection = psycopg.Connection[Any]


class _Chain(NamedTuple):
    log: int
    partition: int


def remove_from_database(url: str, before: datetime) -> dict[str, int]:
    """Delete what was audited before a time; return the last sequence that went of each chain.

    Raise ``Fault`` where a chain is damaged: what it was must be looked at before anything of it goes.
    """
    removed: dict[str, int] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(rows.REMOVALS)
        for log, group, topic, partition, *_ in connection.execute(rows.CHAINS).fetchall():
            with connection.transaction():
                last = _shortened(connection, _Chain(log, partition), before)
            if last is not None:
                removed[f"{group} {chain_name(topic, partition)}"] = last
    return removed


def _shortened(connection: Connection, chain: _Chain, before: datetime) -> int | None:
    last = _last_before(connection, chain, before)
    if last is None:
        return None
    connection.execute(rows.NOTE_REMOVAL, (*chain, last.sequence, last.hash, before))
    connection.execute(rows.REMOVE, (*chain, last.sequence))
    return last.sequence


def _last_before(connection: Connection, chain: _Chain, before: datetime) -> Entry | None:
    """Find the last entry that is old enough; a chain's entries are in the order of their times."""
    low, high = connection.execute(rows.ENDS, chain).fetchone() or (None, None)
    found = None
    while low is not None and low <= high:
        middle = (low + high) // 2
        entry = _entry(connection, chain, middle)
        if moment(entry.audited_at) < before:
            found, low = entry, middle + 1
        else:
            high = middle - 1
    return found


def _entry(connection: Connection, chain: _Chain, sequence: int) -> Entry:
    row = connection.execute(rows.LINE, (*chain, sequence)).fetchone()
    if row is None:
        raise Fault(f"partition {chain.partition}, sequence {sequence}: it is missing")
    entry = opened(f"{row[0]}\n".encode())
    if not isinstance(entry, Entry):
        raise Fault(f"partition {chain.partition}, sequence {sequence}: it is no entry")
    return entry
