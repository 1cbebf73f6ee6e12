"""Statements on the table `outbox`: events wait here from their commit until Kafka acknowledged them.

A row leaves by deletion after its acknowledgement. What waits is found by being there, never by a
remembered position: a transaction that commits late may carry a lower number than one already published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from eventconsumer_api.storage.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from eventconsumer_api.events import TaskEvent

_waits = outbox.c.rejected_reason.is_(None)
_WAITING = select(
    outbox.c.sequence,
    outbox.c.aggregateid,
    outbox.c.payload,
    outbox.c.id,
    outbox.c.type,
    outbox.c.created_at,
    outbox.c.traceparent,
)
# A broker that was away for a day must not make every look at the outbox a count of millions.
_COUNT_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that Kafka has not acknowledged."""

    sequence: int
    key: str
    payload: str
    id: UUID
    type: str
    created_at: datetime
    traceparent: str | None


def add(connection: Connection, event: TaskEvent, *, traceparent: str | None = None) -> None:
    """Write an event and its request's trace, in the transaction that writes the change it tells of."""
    connection.execute(
        insert(outbox),
        {
            "id": UUID(event.event_id),
            "aggregatetype": "task",
            "aggregateid": event.data.task_id,
            "type": event.event_type,
            "payload": event.to_json(),
            "created_at": datetime.fromisoformat(event.occurred_at),
            "traceparent": traceparent,
        },
    )


def waiting(connection: Connection, *, limit: int) -> list[WaitingEvent]:
    """Return up to ``limit`` events to publish, in the order of their changes."""
    rows = connection.execute(_WAITING.where(_waits).order_by(outbox.c.sequence).limit(limit))
    return [WaitingEvent(*row) for row in rows]


def remove(connection: Connection, sequences: Sequence[int]) -> None:
    """Delete events that Kafka acknowledged."""
    connection.execute(delete(outbox).where(outbox.c.sequence.in_(sequences)))


def reject(connection: Connection, sequence: int, reason: str) -> None:
    """Set aside an event that Kafka will never take; it stays in the table for people to look at."""
    connection.execute(update(outbox).where(outbox.c.sequence == sequence), {"rejected_reason": reason})


def depth(connection: Connection) -> int:
    """Count the events that wait; counting ends at 10,000."""
    some = select(outbox.c.sequence).where(_waits).limit(_COUNT_UP_TO).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
