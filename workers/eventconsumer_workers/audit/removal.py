"""Deleting old entries of an audit log in a database, so that what is left is still proven.

Not the worker's business: its role in the database needs no right to delete. Of each chain, the oldest
entries go in one transaction with a record of where the chain goes on from, which ``verify`` begins at. They
are verified in the same transaction, from the removal before on: what is damaged stays as it is.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg

from eventconsumer_workers.audit import rows
from eventconsumer_workers.audit.chain import Entry, Fault, Head, chain_name
from eventconsumer_workers.audit.database import followed, removals
from eventconsumer_workers.audit.query import moment

if TYPE_CHECKING:
    from datetime import datetime

    Connection = psycopg.Connection[Any]


def remove_from_database(url: str, before: datetime) -> dict[str, int]:
    """Delete what was audited before a time; return the last sequence that went of each chain.

    Raise ``Fault`` where a chain is damaged: what it was must be looked at before anything of it goes.
    """
    removed: dict[str, int] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        # What was verified is what goes, whoever else removes meanwhile.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if connection.execute(rows.REMOVALS_EXIST).fetchone() != (True,):
            connection.execute(rows.REMOVALS)
        for log, group, topic, partition, *_ in connection.execute(rows.CHAINS).fetchall():
            place = f"{group} {chain_name(topic, partition)}"
            try:
                with connection.transaction():
                    last = _shortened(connection, log, Head(topic, partition), before)
            except Fault as fault:
                raise Fault(f"{place}: {fault}") from fault
            if last is not None:
                removed[place] = last
    return removed


def _shortened(connection: Connection, log: int, start: Head, before: datetime) -> int | None:
    chain = (log, start.partition)
    head = Head(start.topic, start.partition, *removals(connection).get(chain, ()))
    last = _last_before(connection, log, head, before)
    if last is None:
        return None
    connection.execute(rows.NOTE_REMOVAL, (*chain, last.sequence, last.hash, before))
    connection.execute(rows.REMOVE, (*chain, last.sequence))
    return last.sequence


def _last_before(connection: Connection, log: int, head: Head, before: datetime) -> Entry | None:
    """Find the last entry that is old enough; a chain's entries are in the order of their times."""
    last = None
    with closing(followed(connection, log, head)) as entries:
        for entry, _ in entries:
            if moment(entry.audited_at) >= before:
                break
            last = entry
    return last
