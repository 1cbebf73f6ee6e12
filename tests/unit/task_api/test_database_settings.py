"""Where the database is, by variable or by file; its password is nobody's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from eventconsumer_api.database_settings import DatabaseSettings
from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.engines import database_url

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://tasks:s3cr3t@db.example:5432/tasks"


def test_a_file_of_the_url_goes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "url"
    file.write_text(f"{URL}\n")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////var/lib/task-api/tasks.db")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    assert DatabaseSettings().database_url == URL


@pytest.mark.parametrize("beginning", ["postgresql", "postgresql+psycopg", "postgres"])
def test_every_way_to_name_postgresql_means_the_one_driver(beginning: str) -> None:
    url = database_url(URL.replace("postgresql", beginning, 1))
    assert (url.drivername, url.host, url.password) == ("postgresql+psycopg", "db.example", "s3cr3t")


def test_the_password_is_in_no_text_about_the_database() -> None:
    settings = DatabaseSettings(database_url=URL)
    with pytest.raises(ValidationError) as wrong:
        DatabaseSettings(database_url=URL.replace("postgresql", "mysql"))
    database = Database(settings.database_url)
    told = [repr(settings), str(settings), str(wrong.value), repr(wrong.value), database.address]
    assert not [text for text in told if "s3cr3t" in text]
    assert database.address == "postgresql+psycopg://tasks:***@db.example:5432/tasks"
