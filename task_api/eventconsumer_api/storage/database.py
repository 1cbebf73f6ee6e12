"""One engine and its two kinds of transaction; the only place that knows which database it is.

Invariant: a transaction that `write` ended without an exception is on disk, whole. Any failure of the
database itself leaves here as `DatabaseUnavailable`, with nothing written.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, func, make_url, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_BUSY_TIMEOUT_SECONDS = 5
# Any number will do that no other program locks in the same database.
_MIGRATION_LOCK = 0x7461736B73


class DatabaseUnavailable(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """The database did not answer or could not take the change; trying again later may succeed."""


class Database:
    """The database behind ``url``; threads may share it."""

    def __init__(self, url: str) -> None:
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"
        # A connection to SQLite is a file handle and a cache: one for each of the server's 40 threads costs
        # little, opening one anew costs more than most requests, and the last one used has the warmest cache.
        pool = {"pool_size": 40, "max_overflow": 0, "pool_use_lifo": True} if self._is_sqlite else {}
        self._engine = create_engine(url, pool_timeout=_BUSY_TIMEOUT_SECONDS, **pool)
        # SQLite lets one writer in at a time. Waiting here ends at once; its own waiting sleeps and retries.
        self._one_writer = threading.Lock()
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite_connection)
            event.listen(self._engine, "begin", _begin_sqlite_transaction)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")

    @property
    def address(self) -> str:
        """The database's URL, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database and changes nothing."""
        with translated_failures(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end of the block, or undone when the block raises."""
        with translated_failures(), self._turn_to_write(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Open a transaction that changes tables; of all processes, one at a time is inside."""
        with self.write() as connection:
            if not self._is_sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        if not self._one_writer.acquire(timeout=_BUSY_TIMEOUT_SECONDS):
            raise DatabaseUnavailable(f"no turn to write within {_BUSY_TIMEOUT_SECONDS} s")
        try:
            yield
        finally:
            self._one_writer.release()


@contextmanager
def translated_failures() -> Iterator[None]:
    """Turn the ways in which a database fails into DatabaseUnavailable."""
    try:
        yield
    except (OperationalError, InterfaceError) as failure:
        raise DatabaseUnavailable(str(failure.orig)) from failure
    except NoFreeConnectionError as failure:
        raise DatabaseUnavailable("every connection is in use") from failure


def _prepare_sqlite_connection(connection: Any, _record: object) -> None:
    # Transactions begin where _begin_sqlite_transaction says, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")  # readers and the one writer never wait for each other
    cursor.execute("PRAGMA synchronous = FULL")  # a task that was answered with 201 survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite_transaction(connection: Connection) -> None:
    # IMMEDIATE takes the write lock before the first read: what a writer decided on cannot change under it.
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
