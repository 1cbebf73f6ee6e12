"""A real SQLite file for every test that asks for a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name the file of the database."""
    return tmp_path / "tasks.db"


@pytest.fixture
def unmade(file: Path) -> Iterator[Database]:
    """Name a database that nobody has made yet."""
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture
def database(unmade: Database) -> Database:
    """Make a database with its tables."""
    schema.migrate(unmade)
    return unmade
