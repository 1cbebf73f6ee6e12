"""Where events are, asked of a real SQLite file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from eventconsumer_api.models import Status, Task
from eventconsumer_api.principal import ANYBODY, Principal
from eventconsumer_api.services.outbox import OutboxService
from eventconsumer_api.services.tasks import TaskNotFound, TaskService
from eventconsumer_api.storage import outbox, tables
from eventconsumer_api.storage.database import Database
from eventconsumer_api.whereabouts import Depth, Place
from tests.support.new_tasks import created
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def asked(database: Database) -> OutboxService:
    return OutboxService(database)


def a_task(database: Database, owner_id: UUID | None = None) -> Task:
    tasks = TaskService(database, committed=lambda: None)
    return created(tasks, ANYBODY, owner_id=owner_id)


def complete(database: Database, task: Task) -> None:
    tasks = TaskService(database, committed=lambda: None)
    tasks.change(ANYBODY, task.id, {"status": Status.COMPLETED}, correlation_id=uuid4())


def publish(database: Database, task: Task, *, offset: int, event_id: UUID | None = None) -> None:
    """Do what the relay does with an event of the task that Kafka acknowledged."""
    row = {
        "event_id": event_id or uuid4(),
        "task_id": task.id,
        "event_type": "task.created",
        "partition": 2,
        "offset": offset,
        "published_at": NOW + timedelta(seconds=offset),
    }
    with database.write() as connection:
        connection.execute(insert(tables.deliveries), row)


def reject_first(database: Database) -> None:
    with database.write() as connection:
        outbox.reject(connection, waiting_events(connection)[0].sequence, "too large")


def test_an_event_is_seen_from_the_outbox_to_its_offset(asked: OutboxService, database: Database) -> None:
    task = a_task(database)
    (waiting,) = asked.of_task(ANYBODY, task.id)
    assert (waiting.place, waiting.event_type, waiting.partition) == (Place.WAITING, "task.created", None)
    publish(database, task, offset=41, event_id=waiting.event_id)
    (published,) = asked.of_task(ANYBODY, task.id)
    assert published.event_id == waiting.event_id
    assert (published.place, published.partition, published.offset) == (Place.PUBLISHED, 2, 41)


def test_events_of_a_task_come_in_the_order_of_its_changes(asked: OutboxService, database: Database) -> None:
    task = a_task(database)
    complete(database, task)
    publish(database, task, offset=7)
    publish(database, task, offset=3)
    found = asked.of_task(ANYBODY, task.id)
    assert [event.offset for event in found] == [3, 7, None, None]
    assert [event.event_type for event in found[2:]] == ["task.created", "task.completed"]


def test_an_event_that_kafka_never_takes_is_shown_with_its_reason(
    asked: OutboxService, database: Database
) -> None:
    task = a_task(database)
    reject_first(database)
    (event,) = asked.of_task(ANYBODY, task.id)
    assert (event.place, event.reason) == (Place.REJECTED, "too large")
    assert asked.depth() == Depth(pending=0, oldest=None, rejected=1)


def test_the_events_of_somebody_else_s_task_are_not_there(asked: OutboxService, database: Database) -> None:
    task = a_task(database, owner_id=uuid4())
    with pytest.raises(TaskNotFound):
        asked.of_task(Principal(subject="eve", owner_id=uuid4()), task.id)


def test_the_depth_tells_how_long_the_first_event_waits(asked: OutboxService, database: Database) -> None:
    before = datetime.now(UTC)
    a_task(database)
    a_task(database)
    depth = asked.depth()
    assert (depth.pending, depth.rejected) == (2, 0)
    assert depth.oldest is not None
    assert depth.oldest >= before
    assert depth.oldest_seconds(depth.oldest + timedelta(seconds=9)) == 9
    assert depth.oldest_seconds(before - timedelta(seconds=1)) == 0


def test_a_look_names_the_newest_events_and_their_tasks(asked: OutboxService, database: Database) -> None:
    owner_id = uuid4()
    published, waiting = a_task(database, owner_id), a_task(database, owner_id)
    reject_first(database)
    publish(database, published, offset=1)
    look = asked.look()
    assert look.depth is not None
    assert [(seen.task_id, seen.event.place.value) for seen in look.newest] == [
        (waiting.id, "waiting"),
        (published.id, "rejected"),
        (published.id, "published"),
    ]
    assert {(seen.title, seen.owner_id) for seen in look.newest} == {("Buy groceries", owner_id)}


def test_a_database_that_does_not_answer_leaves_the_depth_unknown(tmp_path: Path) -> None:
    nowhere = Database(f"sqlite:///{tmp_path}/no-such-folder/tasks.db")
    look = OutboxService(nowhere).look()
    nowhere.close()
    assert (look.depth, look.newest) == (None, ())
