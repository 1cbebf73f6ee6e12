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
def database(file: Path) -> Iterator[Database]:
    """Make a database with its tables."""
    database = Database(f"sqlite:///{file}")
    schema.migrate(database)
    yield database
    database.close()
