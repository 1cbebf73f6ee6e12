"""Statements on the table `outbox`: events wait here from their commit until Kafka acknowledged them.

A row leaves by deletion after its acknowledgement. What waits is found by being there, never by a
remembered position: a transaction that commits late may carry a lower number than one already published.
"""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    String,
    cast,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)

from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.storage.insertion import Insertion
from eventconsumer_api.storage.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Connection

    from eventconsumer_api.events import TaskEvent

_waits = outbox.c.rejected_reason.is_(None)
# A relay that builds a UUID and a datetime of each row, to print them again, spends half of its time on that.
_ID_AND_TIME = {
    "sqlite": (
        literal_column(
            "substr(id, 1, 8) || '-' || substr(id, 9, 4) || '-' || substr(id, 13, 4) || '-' || "
            "substr(id, 17, 4) || '-' || substr(id, 21)",
            String,
        ),
        literal_column("replace(created_at, ' ', 'T') || '+00:00'", String),
    ),
    "postgresql": (
        literal_column("id::text", String),
        literal_column(
            """to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""", String
        ),
    ),
}
_waiting = {
    dialect: select(
        *(outbox.c.sequence, event_id, outbox.c.aggregateid, outbox.c.type, outbox.c.payload, time),
        outbox.c.traceparent,
    )
    .where(_waits)
    .order_by(outbox.c.sequence)
    for dialect, (event_id, time) in _ID_AND_TIME.items()
}
_rejected = select(
    outbox.c.sequence,
    outbox.c.id,
    outbox.c.aggregateid,
    outbox.c.type,
    outbox.c.created_at,
    outbox.c.rejected_reason,
).where(~_waits)
# A broker that was away for a day must not make every look at the outbox a count of millions.
_COUNT_UP_TO = 10_000
_MANY = 1000
_CACHE_KIB = 16_000


class WaitingEvent(NamedTuple):
    """An event that Kafka has not acknowledged."""

    sequence: int
    id: str
    key: str
    type: str
    payload: str
    time: str
    """When it happened, in UTC."""
    traceparent: str | None


WaitingRow = tuple[int, str, str, str, str, str, str | None]
"""A WaitingEvent as the driver has it, and as cheap: thousands are on their way at once."""


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that was set aside."""

    sequence: int
    id: UUID
    task_id: str
    type: str
    created_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How full the outbox is."""

    pending: int
    oldest_at: datetime | None
    """When the first of the waiting events was written; None when none waits."""
    rejected: int


_insertion = Insertion(
    outbox, "id", "aggregatetype", "aggregateid", "type", "payload", "created_at", "traceparent"
)


def add(connection: Connection, event: TaskEvent, *, traceparent: str | None = None) -> None:
    """Write an event and its request's trace, in the transaction that writes the change it tells of."""
    add_all(connection, [(event, traceparent)])


def add_all(connection: Connection, events: Iterable[tuple[TaskEvent, str | None]]) -> None:
    """Write events, each with its request's trace, in the transaction that writes their changes."""
    rows = [
        (
            event.event_id,
            "task",
            event.data.task_id,
            event.event_type.value,
            event.to_json(),
            event.occurred_at,
            traceparent,
        )
        for event, traceparent in events
    ]
    _insertion.write(connection, rows)


def waiting(connection: Connection, *, limit: int, besides: Sequence[int] = ()) -> list[WaitingRow]:
    """Return up to ``limit`` events to publish, in the order of their changes.

    ``besides`` are those, in their order, that are published and on their way out: these are passed over,
    and no other, neither one between them nor one before.
    """
    query = _waiting[connection.dialect.name].limit(limit)
    if besides:
        query = query.where(~_these(connection, besides))
    result = connection.execute(query)
    # Not by way of SQLAlchemy's rows: to make one, and a named one of it, takes as long as to read it.
    try:
        rows = result.cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as failure:
        raise DatabaseUnavailable(" ".join(str(failure).split())) from failure
    return typing.cast("list[WaitingRow]", rows)


def remove(connection: Connection, sequences: Sequence[int]) -> None:
    """Delete events that Kafka acknowledged, given in their order: these, and no other between them."""
    if len(sequences) >= _MANY and connection.dialect.name == "sqlite":
        # Neighbours in the table are far from each other in the index of tasks: without room for the whole
        # of it, each of its pages is read and written again for every few of them.
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(delete(outbox).where(_these(connection, sequences)))


def _these(connection: Connection, sequences: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition for the rows of these numbers, given in their order, and for no other."""
    # One parameter, however many they are: a list of thousands costs more to compile than to delete.
    if sequences and sequences[-1] - sequences[0] == len(sequences) - 1:
        # There is no number between them but theirs.
        return outbox.c.sequence.between(sequences[0], sequences[-1])
    if connection.dialect.name == "sqlite":
        given = func.json_each(json.dumps(sequences)).table_valued("value")
        return outbox.c.sequence.in_(select(given.c.value))
    written = cast(literal("{" + ",".join(map(str, sequences)) + "}", String), ARRAY(BigInteger))
    return outbox.c.sequence.in_(select(func.unnest(written)))


def reject(connection: Connection, sequence: int, reason: str) -> None:
    """Set aside an event that Kafka will never take; it stays in the table for people to look at."""
    connection.execute(update(outbox).where(outbox.c.sequence == sequence), {"rejected_reason": reason})


def rejected(connection: Connection, *, limit: int) -> list[RejectedEvent]:
    """Return up to ``limit`` events that were set aside, oldest first."""
    rows = connection.execute(_rejected.order_by(outbox.c.sequence).limit(limit))
    return [RejectedEvent(*row) for row in rows]


def retry(connection: Connection, sequences: Sequence[int] | None) -> int:
    """Let rejected events wait again, all of them for None; return how many there were."""
    again = update(outbox).where(outbox.c.rejected_reason.is_not(None)).values(rejected_reason=None)
    if sequences is not None:
        again = again.where(outbox.c.sequence.in_(sequences))
    return connection.execute(again).rowcount


def state(connection: Connection) -> OutboxState:
    """Count what waits and what was set aside."""
    oldest = select(outbox.c.created_at).where(_waits).order_by(outbox.c.sequence).limit(1)
    counts = select(func.count().filter(_waits), func.count().filter(~_waits))
    pending, rejected_count = connection.execute(counts.select_from(outbox)).one()
    return OutboxState(pending, connection.execute(oldest).scalar_one_or_none(), rejected_count)


def depth(connection: Connection) -> int:
    """Count the events that wait; counting ends at 10,000."""
    some = select(outbox.c.sequence).where(_waits).limit(_COUNT_UP_TO).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
