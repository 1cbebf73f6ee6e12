"""`python -m eventconsumer_api`: serve until SIGTERM or SIGINT, then end in order.

`python -m eventconsumer_api migrate`: bring the database's tables up to date, and end.
"""

from __future__ import annotations

import argparse
import logging.config
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
from pydantic import ValidationError

from eventconsumer_api.config import Settings
from eventconsumer_api.database_settings import DatabaseSettings
from eventconsumer_api.main import create_app
from eventconsumer_api.preparation import migrate_now
from eventconsumer_api.storage.database import Database, DatabaseUnavailable
from eventconsumer_api.storage.schema import SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

# Shorter than the 30 s a pod is given, and with room for the relay's own last seconds.
_FINISH_REQUESTS_SECONDS = 15


def logging_config(level: str) -> dict[str, Any]:
    """Describe one-line logs on standard error, the same for the server and for us."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; exit with 2 and a sentence for each wrong variable."""
    parser = argparse.ArgumentParser(prog="eventconsumer-api", description="Serve the Task API.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("migrate", help="bring the tables of the database up to date, and end")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "migrate":
            _migrate(DatabaseSettings())
        else:
            _serve(Settings())
    except ValidationError as failure:
        for error in failure.errors():
            reason = error["msg"].removeprefix("Value error, ")
            sys.stderr.write(f"{str(error['loc'][0]).upper()}: {reason}\n")
        sys.exit(2)


def _migrate(settings: DatabaseSettings) -> None:
    logging.config.dictConfig(logging_config("INFO"))
    database = Database(settings.database_url, timeout_seconds=settings.database_timeout_seconds)
    try:
        migrate_now(database)
    except (DatabaseUnavailable, SchemaMismatch) as failure:
        sys.exit(str(failure))
    finally:
        database.close()
    sys.stderr.write(f"The tables of {database.address} are up to date.\n")


def _serve(settings: Settings) -> None:
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=logging_config(settings.log_level),
        timeout_graceful_shutdown=_FINISH_REQUESTS_SECONDS,
    )


if __name__ == "__main__":
    main()
