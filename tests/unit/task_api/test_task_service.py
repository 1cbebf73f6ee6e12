"""Tasks and their events are written together: tested on a real SQLite file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import select

from eventconsumer_api.models import Status, Task, TaskFilter
from eventconsumer_api.principal import ANYBODY, NotAllowed, Principal
from eventconsumer_api.services.tasks import TaskNotFound, TaskService
from eventconsumer_api.storage import outbox, schema, tables
from eventconsumer_api.storage.database import Database, DatabaseUnavailable
from tests.support.new_tasks import created
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture
def commits() -> list[str]:
    return []


@pytest.fixture
def service(database: Database, commits: list[str]) -> TaskService:
    return TaskService(database, committed=lambda: commits.append("committed"))


def events(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [json.loads(event.payload) for event in waiting_events(connection)]


def listed(service: TaskService, caller: Principal, wanted: TaskFilter | None = None) -> list[Task]:
    return service.page(caller, wanted or TaskFilter(), after=None, limit=10).tasks


def test_a_new_task_and_its_event_appear_together(service: TaskService, database: Database) -> None:
    correlation_id, owner_id = uuid4(), uuid4()
    task = created(service, ANYBODY, owner_id=owner_id, correlation_id=correlation_id)
    (event,) = events(database)
    assert service.get(ANYBODY, task.id) == task
    assert event["event_type"] == "task.created"
    assert event["data"] == {
        "task_id": str(task.id),
        "title": "Buy groceries",
        "status": "pending",
        "owner_id": str(owner_id),
    }
    assert event["metadata"] == {"correlation_id": str(correlation_id), "source": "task-api"}


def test_without_its_event_a_task_is_not_written_either(service: TaskService, database: Database) -> None:
    with database.write() as connection:
        tables.outbox.drop(connection)
    with pytest.raises(DatabaseUnavailable):
        created(service, ANYBODY)
    assert listed(service, ANYBODY) == []


def test_the_life_of_a_task_is_told_in_the_order_it_happened(
    service: TaskService, database: Database
) -> None:
    task = created(service, ANYBODY)
    service.change(ANYBODY, task.id, {"status": Status.IN_PROGRESS}, correlation_id=uuid4())
    service.complete(ANYBODY, task.id, correlation_id=uuid4())
    told = [(event["event_type"], event["data"]["status"]) for event in events(database)]
    assert told == [
        ("task.created", "pending"),
        ("task.updated", "in_progress"),
        ("task.completed", "completed"),
    ]


def test_completing_twice_is_one_event(service: TaskService, database: Database) -> None:
    task = created(service, ANYBODY)
    service.change(ANYBODY, task.id, {"status": Status.COMPLETED}, correlation_id=uuid4())
    assert service.complete(ANYBODY, task.id, correlation_id=uuid4()).status is Status.COMPLETED
    assert [event["event_type"] for event in events(database)] == ["task.created", "task.completed"]


def test_completing_by_many_at_once_is_one_event(service: TaskService, database: Database) -> None:
    task = created(service, ANYBODY)
    with ThreadPoolExecutor(8) as callers:
        answers = callers.map(lambda _: service.complete(ANYBODY, task.id, correlation_id=uuid4()), range(20))
        assert {answer.status for answer in answers} == {Status.COMPLETED}
    assert [event["event_type"] for event in events(database)] == ["task.created", "task.completed"]


def test_the_relay_is_called_only_for_commits_that_left_an_event(
    service: TaskService, commits: list[str]
) -> None:
    task = created(service, ANYBODY)
    service.change(ANYBODY, task.id, {"title": "Buy groceries"}, correlation_id=uuid4())
    with pytest.raises(TaskNotFound):
        service.complete(ANYBODY, uuid4(), correlation_id=uuid4())
    assert commits == ["committed"]


def test_the_relay_is_called_for_each_change_as_for_a_new_task(
    service: TaskService, commits: list[str]
) -> None:
    task = created(service, ANYBODY)
    service.change(ANYBODY, task.id, {"status": Status.IN_PROGRESS}, correlation_id=uuid4())
    service.complete(ANYBODY, task.id, correlation_id=uuid4())
    assert commits == ["committed"] * 3


def test_an_owner_can_be_taken_away(service: TaskService) -> None:
    task = created(service, ANYBODY, owner_id=uuid4())
    assert service.change(ANYBODY, task.id, {"owner_id": None}, correlation_id=uuid4()).owner_id is None


def test_pages_follow_each_other_without_gap_or_repetition(service: TaskService) -> None:
    made = [created(service, ANYBODY, title=f"Task {n}") for n in range(5)]
    first = service.page(ANYBODY, TaskFilter(), after=None, limit=2)
    second = service.page(ANYBODY, TaskFilter(), after=first.end, limit=2)
    third = service.page(ANYBODY, TaskFilter(), after=second.end, limit=2)
    assert [*first.tasks, *second.tasks, *third.tasks] == made
    assert third.end is None


def test_a_published_events_number_is_never_given_again(service: TaskService, database: Database) -> None:
    created(service, ANYBODY)
    with database.write() as connection:
        (published,) = waiting_events(connection)
        outbox.remove(connection, [published.sequence])
    created(service, ANYBODY, title="Buy milk")
    with database.read() as connection:
        (waiting,) = waiting_events(connection)
    assert waiting.sequence > published.sequence


def test_a_rejected_event_stands_aside_with_its_reason(service: TaskService, database: Database) -> None:
    created(service, ANYBODY)
    with database.write() as connection:
        (event,) = waiting_events(connection)
        outbox.reject(connection, event.sequence, "MSG_SIZE_TOO_LARGE")
    with database.read() as connection:
        kept = connection.execute(select(tables.outbox.c.payload, tables.outbox.c.rejected_reason)).one()
        assert (waiting_events(connection), outbox.depth(connection)) == ([], 0)
    assert tuple(kept) == (event.payload, "MSG_SIZE_TOO_LARGE")


def test_a_commit_survives_a_power_cut_and_readers_never_wait(database: Database) -> None:
    with database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_database_that_can_not_be_opened_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/tasks.db")
    with pytest.raises(DatabaseUnavailable, match=r"missing/tasks\.db: unable to open database file"):
        schema.migrate(database)


def test_the_tasks_of_others_are_not_there(service: TaskService, database: Database) -> None:
    ann, ben = Principal("ann", uuid4()), Principal("ben", uuid4())
    task = created(service, ann)
    with pytest.raises(TaskNotFound):
        service.get(ben, task.id)
    with pytest.raises(TaskNotFound):
        service.change(ben, task.id, {"title": "Mine"}, correlation_id=uuid4())
    with pytest.raises(TaskNotFound):
        service.complete(ben, task.id, correlation_id=uuid4())
    assert (listed(service, ben), listed(service, ann)) == ([], [task])
    assert listed(service, ben, TaskFilter(owner_id=ann.owner_id)) == []
    assert listed(service, Principal("guest", owner_id=None)) == []
    assert len(events(database)) == 1


def test_an_owner_can_not_give_a_task_away(service: TaskService) -> None:
    ann = Principal("ann", uuid4())
    task = created(service, ann)
    with pytest.raises(NotAllowed):
        service.change(ann, task.id, {"owner_id": uuid4()}, correlation_id=uuid4())
    assert service.get(ann, task.id) == task
