"""Statements that find events where they are: in `outbox` until they are published, then in `deliveries`.

`deliveries` holds the newest published events only, so an event that is in neither table was published long
ago. Each question costs little however long Kafka is away: none counts or sorts what may be millions of rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select

from eventconsumer_api.storage.tables import deliveries, outbox, tasks
from eventconsumer_api.whereabouts import Depth, Place, Sighting, Whereabouts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, ScalarSelect

_COUNT_UP_TO = 10_000

_waits = outbox.c.rejected_reason.is_(None)
_rejected = outbox.c.rejected_reason.is_not(None)
_in_outbox = (outbox.c.id, outbox.c.type, outbox.c.created_at, outbox.c.rejected_reason)
_in_topic = (
    deliveries.c.event_id,
    deliveries.c.event_type,
    deliveries.c.published_at,
    deliveries.c.partition,
    deliveries.c.offset,
)


def depth(connection: Connection) -> Depth:
    """Count what waits and what is set aside, in one query."""
    first = select(outbox.c.created_at).where(_waits).order_by(outbox.c.sequence).limit(1)
    asked = select(_some(_waits), first.scalar_subquery(), _some(_rejected))
    return Depth(*connection.execute(asked).one())


def of_task(connection: Connection, task_id: UUID, *, limit: int) -> list[Whereabouts]:
    """Return the newest events of a task, oldest first."""
    waiting = select(*_in_outbox).where(outbox.c.aggregateid == str(task_id))
    waiting = waiting.order_by(outbox.c.sequence.desc()).limit(limit)
    published = select(*_in_topic).where(deliveries.c.task_id == task_id)
    # One partition holds all events of a task, so their offsets are their order.
    published = published.order_by(deliveries.c.offset.desc()).limit(limit)
    # The outbox first: an event on its way between the two looks is seen twice, never missed.
    found = [_outbox_event(row) for row in connection.execute(waiting)]
    seen = [_topic_event(row) for row in connection.execute(published)]
    passed = {event.event_id for event in seen}
    newest_first = [event for event in found if event.event_id not in passed] + seen
    return newest_first[:limit][::-1]


def newest(connection: Connection, *, limit: int) -> list[Sighting]:
    """Return the newest events of the outbox and of the topic, up to ``limit`` of each, newest first."""
    waiting = select(outbox.c.aggregateid, outbox.c.payload, *_in_outbox)
    waiting = waiting.order_by(outbox.c.sequence.desc()).limit(limit)
    published = select(tasks.c.id, tasks.c.title, tasks.c.owner_id, *_in_topic)
    published = published.join_from(deliveries, tasks, deliveries.c.task_id == tasks.c.id)
    published = published.order_by(deliveries.c.published_at.desc(), deliveries.c.offset.desc()).limit(limit)
    found = [_sighting(row) for row in connection.execute(waiting)]
    seen = [Sighting(*row[:3], _topic_event(row[3:])) for row in connection.execute(published)]
    passed = {sighting.event.event_id for sighting in seen}
    return [sighting for sighting in found if sighting.event.event_id not in passed] + seen


def _some(which: ColumnElement[bool]) -> ScalarSelect[int]:
    rows = select(outbox.c.sequence).where(which).limit(_COUNT_UP_TO).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


def _outbox_event(columns: Sequence[Any]) -> Whereabouts:
    event_id, event_type, created_at, reason = columns
    place = Place.WAITING if reason is None else Place.REJECTED
    return Whereabouts(event_id, event_type, place, created_at, reason=reason)


def _topic_event(columns: Sequence[Any]) -> Whereabouts:
    event_id, event_type, published_at, partition, offset = columns
    return Whereabouts(event_id, event_type, Place.PUBLISHED, published_at, partition, offset)


def _sighting(columns: Sequence[Any]) -> Sighting:
    # The task as the event tells of it: a table of tasks is not asked for what the row holds itself.
    told = json.loads(columns[1])["data"]
    owner_id = None if told["owner_id"] is None else UUID(told["owner_id"])
    return Sighting(UUID(columns[0]), told["title"], owner_id, _outbox_event(columns[2:]))
