"""Rows that were written many at once are those that SQLAlchemy writes and reads one by one."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.models import Task, TaskFilter, new_task
from eventconsumer_api.storage import outbox, tables, tasks

if TYPE_CHECKING:
    from eventconsumer_api.storage.database import Database

# More than one statement holds, and not a multiple of it.
MANY = 150
WHOLE_SECOND = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def a_task(number: int = 0, now: datetime = WHOLE_SECOND) -> Task:
    return new_task(uuid4(), f"Task {number}: '?' and \"é\"", uuid4() if number % 2 else None, now)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(WHOLE_SECOND, id="a whole second"),
        pytest.param(WHOLE_SECOND + timedelta(microseconds=34), id="microseconds"),
        pytest.param(WHOLE_SECOND.astimezone(timezone(timedelta(hours=2))), id="another time zone"),
    ],
)
@pytest.mark.parametrize("number", [pytest.param(0, id="nobody's"), pytest.param(1, id="somebody's")])
def test_a_row_is_the_one_that_sqlalchemy_writes(database: Database, number: int, now: datetime) -> None:
    ours = a_task(number, now)
    theirs = replace(ours, id=uuid4())
    with database.write() as connection:
        tasks.add_all(connection, [ours])
        connection.execute(insert(tables.tasks), asdict(theirs) | {"status": theirs.status.value})
        rows = connection.execute(text("SELECT * FROM tasks ORDER BY sequence")).all()
        assert tasks.get(connection, ours.id) == ours
    assert rows[0][1] == ours.id.hex
    assert rows[0][2:] == rows[1][2:]


def test_hundreds_of_rows_are_numbered_in_their_order(database: Database) -> None:
    new = [a_task(number) for number in range(MANY)]
    with database.write() as connection:
        tasks.add_all(connection, new)
        page = tasks.page(connection, TaskFilter(), after=None, limit=MANY)
    assert page.tasks == new


def test_an_event_leaves_the_outbox_with_the_id_and_the_time_of_its_json(database: Database) -> None:
    events = [task_event(EventType.CREATED, a_task(number), uuid4()) for number in range(MANY)]
    with database.write() as connection:
        outbox.add_all(connection, [(event, None) for event in events])
        found = outbox.waiting(connection, limit=MANY)
    assert [(row[1], row[2], row[4], row[5]) for row in found] == [
        (event.event_id, event.data.task_id, event.to_json(), event.occurred_at) for event in events
    ]
