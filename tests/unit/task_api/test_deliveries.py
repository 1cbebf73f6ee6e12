"""The newest published events: which are kept, and which of two places of one event."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import select

from eventconsumer_api.storage import deliveries, schema, tables
from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.deliveries import PublishedEvent

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 15, tzinfo=UTC)


def published(number: int, *, event_id: UUID | None = None) -> PublishedEvent:
    moment = START + timedelta(seconds=number)
    return PublishedEvent(event_id or uuid4(), uuid4(), "task.created", 0, number, moment)


def test_the_newest_thousand_are_kept(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/tasks.db")) as database:
        schema.migrate(database)
        with database.write() as connection:
            deliveries.note(connection, [published(number) for number in range(1200)])
            deliveries.prune(connection)
            kept = connection.execute(select(tables.deliveries.c.offset)).scalars().all()
    assert sorted(kept) == list(range(200, 1200))


def test_an_event_that_was_published_twice_keeps_its_first_place(tmp_path: Path) -> None:
    twice = uuid4()
    with closing(Database(f"sqlite:///{tmp_path}/tasks.db")) as database:
        schema.migrate(database)
        with database.write() as connection:
            deliveries.note(connection, [published(1, event_id=twice)])
            deliveries.note(connection, [published(2, event_id=twice), published(3)])
            kept = connection.execute(select(tables.deliveries.c.offset)).scalars().all()
    assert sorted(kept) == [1, 3]
