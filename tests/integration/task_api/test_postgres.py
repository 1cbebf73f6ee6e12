"""What is specified of the API and of its service on SQLite, once more on PostgreSQL.

A test that asks for one of the fixtures below runs here too; the others are about SQLite, or about none.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from tests.support.running_api import running_on
from tests.unit.task_api import test_conditions, test_http, test_idempotency, test_lists, test_task_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from starlette.testclient import TestClient

    from dev.postgres import LocalPostgres


def asking_for(fixture: str, *modules: ModuleType) -> Iterator[tuple[str, Callable[..., None]]]:
    for module in modules:
        for name, thing in vars(module).items():
            if name.startswith("test_") and fixture in inspect.signature(thing).parameters:
                yield name, thing


globals().update(asking_for("api", test_conditions, test_http))
globals().update(asking_for("some", test_lists))
globals().update(asking_for("service", test_task_service))
globals().update(asking_for("database", test_idempotency))

service = test_task_service.service
commits = test_task_service.commits


@pytest.fixture(scope="module")
def api(postgres: LocalPostgres) -> Iterator[TestClient]:
    postgres.start()
    with running_on(postgres.create_database("test_api")) as client:
        yield client


@pytest.fixture(scope="module")
def some(postgres: LocalPostgres) -> Iterator[TestClient]:
    postgres.start()
    with running_on(postgres.create_database("test_some")) as client:
        test_lists.make_some(client)
        yield client


@pytest.fixture
def database(database: str) -> Iterator[Database]:
    opened = Database(database)
    schema.migrate(opened)
    yield opened
    opened.close()
