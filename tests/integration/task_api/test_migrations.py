"""Migrations by several processes at once, as replicas that start together do it, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url, text

from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.tables import metadata
from tests.unit.task_api.test_schema import BEFORE_MIGRATIONS, TASK_ID, execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

MIGRATE = [sys.executable, "-m", "eventconsumer_api", "migrate"]
PROCESSES = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tasks.db"
    return str(request.getfixturevalue("database"))


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def migrate_by_many(url: str) -> Sequence[tuple[int, str]]:
    environment = os.environ | {"DATABASE_URL": url}
    started = [
        subprocess.Popen(MIGRATE, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    return [(process.returncode, words) for process, words in zip(started, said, strict=True)]


def differences(transaction: AbstractContextManager[Connection]) -> list[object]:
    with transaction as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_processes_that_migrate_at_once_all_find_the_tables_as_they_should_be(
    url: str, store: Database
) -> None:
    ended = migrate_by_many(url)
    assert [code for code, _ in ended] == [0] * PROCESSES, ended
    assert differences(store.read()) == []
    password = make_url(url).password or "no password"
    assert all("are up to date" in words and password not in words for _, words in ended)


def test_processes_that_migrate_at_once_take_a_file_from_before_over_once(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    execute(path, BEFORE_MIGRATIONS)
    ended = migrate_by_many(f"sqlite:///{path}")
    assert [code for code, _ in ended] == [0] * PROCESSES, ended
    database = Database(f"sqlite:///{path}")
    assert differences(database.read()) == []
    with database.read() as connection:
        assert connection.execute(text("SELECT id FROM tasks")).scalars().all() == [TASK_ID.hex]
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 1
    database.close()
