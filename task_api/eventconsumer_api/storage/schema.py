"""Brings a database to the tables this version works with.

Invariant: however many processes start at once, each step runs once and whole. All steps run in one
transaction, and whoever opens it holds the lock that the others wait for; they then find nothing left to do.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from eventconsumer_api.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from eventconsumer_api.storage.database import Database

_MIGRATIONS = Path(__file__).with_name("migrations")


class SchemaMismatch(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """The database's tables are not those this version works with; the message says what to do."""


def migrate(database: Database) -> None:
    """Create or change the tables as needed; raises SchemaMismatch when a newer version changed them.

    Raises DatabaseUnavailable with the address of the database.
    """
    with _named(database):
        database.create_file()
        if _is_current(database):
            return
        with database.migration() as connection:
            # Whoever held the lock before us may have done it all.
            if _revision(connection) != _newest():
                command.upgrade(_config(connection), "head")


def check(database: Database) -> None:
    """Change nothing; raises SchemaMismatch unless the tables are those this version works with.

    Raises DatabaseUnavailable with the address of the database.
    """
    with _named(database):
        if not _is_current(database):
            raise SchemaMismatch("The database's tables are older: run `eventconsumer-api migrate`.")


@contextmanager
def _named(database: Database) -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as failure:
        raise DatabaseUnavailable(f"{database.address}: {failure}") from failure


def _is_current(database: Database) -> bool:
    with database.read() as connection:
        revision = _revision(connection)
    if revision is not None and revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise SchemaMismatch(
            f"The database's tables are of a newer version (revision {revision}): start that version."
        )
    return revision == _newest()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str | None:
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    # A path may hold a percent sign, which the configuration would take for a variable.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
