"""`eventconsumer-api migrate`: brings the tables up to date, apart from any start of the API."""

from __future__ import annotations

import logging.config
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from eventconsumer_api.logs import Format, logging_config
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    import argparse

_log = logging.getLogger(__name__)

_TRY_FOR_SECONDS = 60.0
_PAUSE_SECONDS = 2.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `migrate` to a command line."""
    commands.add_parser("migrate", help="bring the tables of the database up to date, and end")


def run(database_url: str) -> int:
    """Migrate the database, trying for a minute; return the exit code."""
    logging.config.dictConfig(logging_config(Format.TEXT, "WARNING"))
    with closing(Database(database_url)) as database:
        try:
            _migrate(database)
        except (DatabaseUnavailable, schema.SchemaMismatch) as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
        sys.stderr.write(f"The tables of {database.address} are up to date.\n")
    return 0


def _migrate(database: Database) -> None:
    deadline = time.monotonic() + _TRY_FOR_SECONDS
    while True:
        try:
            schema.migrate(database)
        except DatabaseUnavailable as failure:
            if time.monotonic() > deadline:
                raise
            _log.warning("The database is not ready, next try in %.0f s: %s", _PAUSE_SECONDS, failure)
            time.sleep(_PAUSE_SECONDS)
        else:
            return
