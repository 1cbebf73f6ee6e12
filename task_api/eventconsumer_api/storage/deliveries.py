"""Statements on the table `deliveries`: where the newest published events are, for people to look at.

It is written in the transaction that takes the events from the outbox, so an event is in one of the two. It
is no record of all that was published: of a large batch it holds the newest hundred, of all a thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from eventconsumer_api.storage.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

OF_A_BATCH = 100
"""How many events of one batch are noted at most."""
_KEPT = 1000


class PublishedEvent(NamedTuple):
    """An event and its place in the topic."""

    event_id: UUID
    task_id: UUID
    event_type: str
    partition: int
    offset: int
    published_at: datetime


def note(connection: Connection, published: Sequence[PublishedEvent]) -> None:
    """Write where events are; an event that was published twice keeps its first place."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(deliveries).on_conflict_do_nothing(), [event._asdict() for event in published])


def prune(connection: Connection) -> None:
    """Keep the newest thousand."""
    last_kept = select(deliveries.c.published_at).order_by(deliveries.c.published_at.desc())
    connection.execute(
        delete(deliveries).where(
            deliveries.c.published_at < last_kept.offset(_KEPT - 1).limit(1).scalar_subquery()
        )
    )
