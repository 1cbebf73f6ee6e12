"""Migrations on real SQLite files; tests/integration has PostgreSQL and several processes at once."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from eventconsumer_api.models import Status
from eventconsumer_api.storage import schema, tasks
from eventconsumer_api.storage.database import Database, DatabaseUnavailable
from eventconsumer_api.storage.schema import SchemaMismatch
from eventconsumer_api.storage.tables import metadata
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from pathlib import Path

TASK_ID = UUID("0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01")
BEFORE_MIGRATIONS = """
CREATE TABLE tasks (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id CHAR(32) NOT NULL, title VARCHAR(200) NOT NULL,
    status VARCHAR(20) NOT NULL, owner_id CHAR(32), UNIQUE (id)
);
CREATE TABLE outbox (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id CHAR(32) NOT NULL,
    aggregatetype VARCHAR(50) NOT NULL, aggregateid VARCHAR(36) NOT NULL, type VARCHAR(50) NOT NULL,
    payload TEXT NOT NULL, created_at DATETIME NOT NULL, rejected_reason TEXT, UNIQUE (id)
);
INSERT INTO tasks VALUES (7, '0b0c5e0e6f2b4a519d381d2f6a8f6a01', 'Buy groceries', 'in_progress', NULL);
INSERT INTO outbox VALUES
    (9, '5a1f3c8e90ab4d218f006f1d2c3b4a59', 'task', '0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01', 'task.created',
     '{}', '2026-01-02 03:04:05.000000', NULL);
"""


def execute(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def test_the_migrations_lead_to_the_tables_and_nothing_else(unmade: Database) -> None:
    schema.migrate(unmade)
    with unmade.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_file_from_before_migrations_keeps_its_tasks_and_waiting_events(
    file: Path, unmade: Database
) -> None:
    execute(file, BEFORE_MIGRATIONS)
    schema.migrate(unmade)
    with unmade.read() as connection:
        kept = tasks.get(connection, TASK_ID)
        (event,) = waiting_events(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert kept is not None
    assert (kept.title, kept.status, kept.version) == ("Buy groceries", Status.IN_PROGRESS, 1)
    assert (event.sequence, event.key, event.payload) == (9, str(TASK_ID), "{}")


def test_a_current_database_is_only_read(file: Path, unmade: Database) -> None:
    schema.migrate(unmade)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    schema.migrate(unmade)
    other.close()


def test_a_database_of_a_newer_version_is_refused_with_its_revision(file: Path, unmade: Database) -> None:
    schema.migrate(unmade)
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer version \\(revision 9999\\)"):
        schema.migrate(unmade)


def test_checking_names_the_command_that_migrates_and_changes_nothing(file: Path, unmade: Database) -> None:
    execute(file, BEFORE_MIGRATIONS)
    with pytest.raises(SchemaMismatch, match="eventconsumer-api migrate"):
        schema.check(unmade)
    schema.migrate(unmade)
    schema.check(unmade)


def test_checking_makes_no_database(file: Path, unmade: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="unable to open database file"):
        schema.check(unmade)
    assert not file.exists()
