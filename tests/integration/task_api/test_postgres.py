"""Everything that is specified of the API and of its service on SQLite, once more on PostgreSQL."""

from __future__ import annotations

import inspect
import uuid
from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from tests.unit.task_api import test_http, test_task_service
from tests.unit.task_api.test_http import running_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient

    from dev.postgres import LocalPostgres

# A test that asks for what we give here runs on PostgreSQL; the others are about SQLite.
_GIVEN = {test_http: "api", test_task_service: "service"}

for module, given in _GIVEN.items():
    for name, thing in vars(module).items():
        if name.startswith("test_") and given in inspect.signature(thing).parameters:
            globals()[name] = thing

service = test_task_service.service
commits = test_task_service.commits


@pytest.fixture(scope="module")
def url(postgres: LocalPostgres) -> str:
    postgres.start()
    return postgres.create_database(f"test_{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[TestClient]:
    with running_on(url) as client:
        yield client


@pytest.fixture
def database(postgres: LocalPostgres) -> Iterator[Database]:
    postgres.start()
    database = Database(postgres.create_database(f"test_{uuid.uuid4().hex[:12]}"))
    schema.migrate(database)
    yield database
    database.close()
