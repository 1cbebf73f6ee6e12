"""`eventconsumer-api migrate`, which needs the database's variables and no other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.__main__ import main
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def test_the_command_makes_the_tables_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AUTH", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/tasks.db")
    with pytest.raises(SystemExit, match="0"):
        main(["migrate"])
    assert "tasks.db are up to date" in capsys.readouterr().err
    database = Database(f"sqlite:///{tmp_path}/tasks.db")
    schema.check(database)
    database.close()


def test_tables_of_a_newer_version_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(f"sqlite:///{tmp_path}/tasks.db")
    schema.migrate(database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/tasks.db")
    with pytest.raises(SystemExit, match="1"):
        main(["migrate"])
    assert "newer version (revision 9999)" in capsys.readouterr().err
