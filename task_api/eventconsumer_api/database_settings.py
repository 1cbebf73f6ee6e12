"""What an operator may set about the database; `eventconsumer-api migrate` reads this and nothing else."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventconsumer_api.storage.engines import database_url


def _content(said: object) -> object:
    if not said:
        return None
    try:
        return Path(str(said)).read_text().strip()
    except OSError as failure:
        raise ValueError(f"can't be read: {failure.strerror}") from None


def _database_url(text: str, earlier: ValidationInfo) -> str:
    text = earlier.data.get("database_url_file") or text
    database_url(text)
    return text


class DatabaseSettings(BaseSettings):
    """Where the database is and how patient we are with it; each field is the variable in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url_file: Annotated[str | None, BeforeValidator(_content), Field(repr=False)] = None
    """A file that holds the database's URL, as a mounted Secret does; it goes before DATABASE_URL."""

    database_url: Annotated[str, AfterValidator(_database_url), Field(repr=False, validate_default=True)] = (
        "sqlite:///tasks.db"
    )
    """The database that holds tasks and the events not yet published: sqlite:///… or postgresql://…"""

    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    """Connections to PostgreSQL at most. SQLite has one for each thread, which cost nothing."""

    database_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long to wait, each time, for a connection, for a lock and for the answer to a statement."""

    database_migrations: Literal["run", "check"] = "run"
    """`run` brings the tables up to date at start; `check` waits until `eventconsumer-api migrate` did."""
