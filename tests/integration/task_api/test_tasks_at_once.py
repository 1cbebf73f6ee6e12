"""What many callers do to tasks at the same moment, through two pools, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import pytest

from eventconsumer_api.models import Status, Task, TaskFilter
from eventconsumer_api.principal import ANYBODY
from eventconsumer_api.services.creation import creation
from eventconsumer_api.services.idempotency import KeyUsedOtherwise
from eventconsumer_api.services.tasks import TaskHasChanged, TaskService
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from tests.support.new_tasks import created
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eventconsumer_api.models import Page

CALLERS = 20

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Database]]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/tasks.db"
    else:
        url = request.getfixturevalue("database").replace("postgresql://", "postgresql+psycopg://")
    replicas = [Database(url), Database(url)]
    schema.migrate(replicas[0])
    yield replicas
    for replica in replicas:
        replica.close()


@pytest.fixture
def services(databases: list[Database]) -> list[TaskService]:
    return [TaskService(database, committed=lambda: None) for database in databases]


def at_once(services: list[TaskService], call: Callable[[TaskService, int], T]) -> list[T]:
    start = Barrier(CALLERS)

    def run(service: TaskService, number: int) -> T:
        start.wait()
        return call(service, number)

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(run, cycle(services), range(CALLERS)))


def create(service: TaskService, title: str = "Buy groceries") -> Task:
    return created(service, ANYBODY, title=title)


def create_once(service: TaskService, title: str = "Buy groceries") -> Task:
    new = creation(ANYBODY, title=title, owner_id=None, correlation_id=uuid4())
    return service.create_once(ANYBODY, "once", new)


def events(databases: list[Database]) -> list[str]:
    with databases[0].read() as connection:
        return [event.type for event in waiting_events(connection)]


def walk(service: TaskService, wanted: TaskFilter) -> Iterator[Page]:
    page = service.page(ANYBODY, wanted, after=None, limit=5)
    yield page
    while page.end is not None:
        page = service.page(ANYBODY, wanted, after=page.end, limit=5)
        yield page


def test_one_key_sent_twenty_times_at_once_is_one_task_and_one_event(
    services: list[TaskService], databases: list[Database]
) -> None:
    made = at_once(services, lambda service, _: create_once(service))
    assert len({task.id for task in made}) == 1
    assert events(databases) == ["task.created"]


def test_of_twenty_requests_with_one_key_one_is_done_and_the_others_are_refused(
    services: list[TaskService], databases: list[Database]
) -> None:
    def attempt(service: TaskService, number: int) -> Task | None:
        with suppress(KeyUsedOtherwise):
            return create_once(service, f"Task {number}")
        return None

    assert len([task for task in at_once(services, attempt) if task]) == 1
    assert events(databases) == ["task.created"]


def test_completed_twenty_times_at_once_is_one_event(
    services: list[TaskService], databases: list[Database]
) -> None:
    task = create(services[0])
    done = at_once(services, lambda service, _: service.complete(ANYBODY, task.id, correlation_id=uuid4()))
    assert {(one.status, one.version) for one in done} == {(Status.COMPLETED, 2)}
    assert events(databases) == ["task.created", "task.completed"]


def test_of_twenty_changes_to_one_version_one_is_made(
    services: list[TaskService], databases: list[Database]
) -> None:
    task = create(services[0])

    def attempt(service: TaskService, number: int) -> Task | None:
        with suppress(TaskHasChanged):
            return service.change(
                ANYBODY,
                task.id,
                {"title": f"Task {number}"},
                correlation_id=uuid4(),
                versions=frozenset({"1"}),
            )
        return None

    (winner,) = (changed for changed in at_once(services, attempt) if changed)
    assert services[0].get(ANYBODY, task.id) == winner
    assert events(databases) == ["task.created", "task.updated"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_walk_shows_what_was_there_once_while_others_create(
    services: list[TaskService], *, newest_first: bool
) -> None:
    before = [create(services[0], f"Before {number}").id for number in range(12)]
    pages = walk(services[0], TaskFilter(newest_first=newest_first))
    seen = [task.id for task in next(pages).tasks]
    at_once(services, lambda service, number: create(service, f"Meanwhile {number}"))
    seen += [task.id for page in pages for task in page.tasks]
    assert len(seen) == len(set(seen))
    assert [task for task in seen if task in before] == (before[::-1] if newest_first else before)


def test_a_text_is_found_as_it_is_written(services: list[TaskService]) -> None:
    for title in ("Buy 100% cocoa", "Buy 100 apples", "snake_case", "snakeXcase", "C:\\temp"):
        create(services[0], title)

    def found(text: str) -> list[str]:
        page = services[1].page(ANYBODY, TaskFilter(text=text), after=None, limit=10)
        return [task.title for task in page.tasks]

    assert [found(text) for text in ("100%", "SNAKE_", "c:\\")] == [
        ["Buy 100% cocoa"],
        ["snake_case"],
        ["C:\\temp"],
    ]
