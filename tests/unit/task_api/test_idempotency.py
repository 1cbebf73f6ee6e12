"""One key, one task, asked one after the other; tests/integration asks at once, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from eventconsumer_api import storage
from eventconsumer_api.models import TaskFilter
from eventconsumer_api.principal import ANYBODY, Principal
from eventconsumer_api.services.creation import creation
from eventconsumer_api.services.idempotency import IdempotencyKeys, KeyUsedOtherwise
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.database import Database, DatabaseUnavailable
from eventconsumer_api.storage.tables import idempotency_keys
from tests.support.running_api import fields_named, running

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from eventconsumer_api.models import Task

ANN, BEN = Principal("ann", uuid4()), Principal("ben", uuid4())


@pytest.fixture
def service(database: Database) -> TaskService:
    return TaskService(database, committed=lambda: None)


def create(service: TaskService, caller: Principal = ANYBODY, title: str = "Buy groceries") -> Task:
    new = creation(caller, title=title, owner_id=None, correlation_id=uuid4())
    return service.create_once(caller, "once", new)


def grow_older(database: Database, age: timedelta) -> None:
    with database.write() as connection:
        used_at = connection.execute(select(idempotency_keys.c.created_at)).scalar_one()
        connection.execute(update(idempotency_keys), {"created_at": used_at - age})


def keys(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(idempotency_keys)).scalar_one()


def waiting_events(database: Database) -> int:
    with database.read() as connection:
        return outbox.depth(connection)


def test_a_request_sent_again_makes_no_second_task_and_no_second_event(
    service: TaskService, database: Database
) -> None:
    first, again = create(service), create(service)
    assert again == first
    assert waiting_events(database) == 1


def test_a_repetition_shows_the_task_as_it_is_now(service: TaskService) -> None:
    completed = service.complete(ANYBODY, create(service).id, correlation_id=uuid4())
    assert create(service) == completed


def test_a_key_used_for_something_else_is_refused(service: TaskService, database: Database) -> None:
    create(service)
    with pytest.raises(KeyUsedOtherwise):
        create(service, title="Buy milk")
    assert waiting_events(database) == 1


def test_callers_do_not_share_keys(service: TaskService) -> None:
    assert create(service, ANN).id != create(service, BEN, "Buy milk").id
    assert create(service, ANN).owner_id == ANN.owner_id


def test_callers_of_one_name_at_two_issuers_do_not_share_keys(service: TaskService) -> None:
    namesake = Principal(ANN.subject, uuid4())
    assert create(service, ANN).id != create(service, namesake).id


def test_a_key_is_forgotten_after_a_day_and_not_before(service: TaskService, database: Database) -> None:
    first = create(service)
    grow_older(database, timedelta(hours=23, minutes=59))
    assert create(service) == first
    grow_older(database, timedelta(minutes=2))
    assert create(service, title="Buy milk").id != first.id


def test_a_task_that_was_not_written_leaves_its_key_free(service: TaskService, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    with pytest.raises(DatabaseUnavailable):
        create(service)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO outbox")
    assert service.page(ANYBODY, TaskFilter(), after=None, limit=10).tasks == []
    assert create(service, title="Buy milk").title == "Buy milk"


def test_forgotten_keys_are_deleted_and_remembered_ones_kept(
    service: TaskService, database: Database
) -> None:
    create(service, ANN)
    grow_older(database, timedelta(hours=26))
    create(service, BEN)
    assert keys(database) == 2  # the last look at old keys was within the hour
    IdempotencyKeys(database).prune_when_due()
    assert keys(database) == 1


def forget(database: Database, many: int) -> None:
    """Leave keys that were used two days ago."""
    used_at = datetime.now(UTC) - timedelta(days=2)
    forgotten = {"owner": "ann", "request_hash": "", "task_id": uuid4(), "created_at": used_at}
    with database.write() as connection:
        connection.execute(
            insert(idempotency_keys), [forgotten | {"key": str(number)} for number in range(many)]
        )


def test_a_key_is_remembered_for_its_whole_day_though_older_ones_are_deleted(
    service: TaskService, database: Database
) -> None:
    first = create(service)
    grow_older(database, timedelta(hours=23, minutes=59))
    forget(database, 1)
    IdempotencyKeys(database).prune_when_due()
    assert keys(database) == 1
    assert create(service) == first


def test_many_forgotten_keys_are_deleted_in_parts_that_hold_up_no_request(database: Database) -> None:
    forget(database, 12_000)
    forgotten = IdempotencyKeys(database)
    left = []
    for _ in range(3):
        forgotten.prune_when_due()
        left.append(keys(database))
    assert left == [7000, 2000, 0]


def test_a_request_with_a_key_deletes_what_is_forgotten(service: TaskService, database: Database) -> None:
    forget(database, 3)
    create(service)
    assert keys(database) == 1


def test_a_request_succeeds_where_forgotten_keys_cannot_be_deleted(
    service: TaskService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_too_long(_connection: Connection, *, before: datetime) -> bool:
        raise DatabaseUnavailable(f"canceling statement: keys before {before}")

    forget(database, 1)
    monkeypatch.setattr(storage.idempotency_keys, "prune", take_too_long)
    task = create(service)
    assert service.get(ANYBODY, task.id) == task
    assert keys(database) == 2


def test_the_header_makes_one_task_and_names_itself_when_it_is_wrong(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    with running(tmp_path) as api:
        first, again = (api.post("/tasks", json={"title": "Buy groceries"}, headers=key) for _ in range(2))
        otherwise = api.post("/tasks", json={"title": "Buy milk"}, headers=key)
        no_key = api.post("/tasks", json={"title": "Buy milk"}, headers={"Idempotency-Key": "a b"})
        assert len(api.get("/tasks").json()) == 1
    assert (again.status_code, again.text) == (first.status_code, first.text) == (201, first.text)
    assert again.headers["location"] == first.headers["location"]
    for wrong in (otherwise, no_key):
        assert (wrong.status_code, fields_named(wrong)) == (422, ["Idempotency-Key"])
