"""The database's two kinds of transaction; the only place that knows which database it is.

Invariant: a transaction that `write` ended without an exception is on disk, whole. Any failure of the
database itself leaves here as `DatabaseUnavailable`, with nothing written, or as `OutcomeUnknown` when the
connection broke in the middle of a commit: then everything or nothing is written.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from eventconsumer_api.storage import engines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, RootTransaction

# Any number will do that no other program locks in the same database.
_MIGRATION_LOCK = 0x7461736B73

# PostgreSQL's codes for states of the world that its driver takes for mistakes of the program.
_UNAVAILABLE_CODES = frozenset(
    {
        "25006",  # the server became a read-only standby
        "25P03",  # the transaction was idle for too long
        "42P01",  # the tables are not there: not migrated, or an empty database in place of the real one
        "42501",  # the right to use a table was taken away
        "XX000",
        "XX001",
        "XX002",
    }
)


class DatabaseUnavailable(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """The database did not answer or could not take the change; trying again later may succeed."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke while a change was committed: it was made wholly or not at all."""


class Database:
    """The database behind ``url``; threads may share it.

    Nothing waits longer than ``timeout_seconds`` for a connection, a lock or an answer. On PostgreSQL there
    are at most ``pool_size`` connections.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 5.0, pool_size: int = 10) -> None:
        self._url = engines.database_url(url)
        self._timeout_seconds = timeout_seconds
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            self._engine = engines.sqlite_engine(self._url, timeout_seconds=timeout_seconds)
        else:
            self._engine = engines.postgres_engine(
                self._url, timeout_seconds=timeout_seconds, pool_size=pool_size
            )
        # SQLite lets one writer in at a time. Waiting here ends at once; its own waiting sleeps and retries.
        self._one_writer = threading.Lock()
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._refused = False

    @property
    def address(self) -> str:
        """The database's URL, without the password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def refused_last_change(self) -> bool:
        """Whether the last change failed for a reason that lies with the database."""
        return self._refused

    def create_file(self) -> None:
        """Create a SQLite file where there is none yet; raises DatabaseUnavailable."""
        try:
            engines.create_file(self._url)
        except OSError as failure:
            raise DatabaseUnavailable(f"unable to open database file: {failure.strerror}") from failure

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database and changes nothing."""
        with translated_failures(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end of the block, or undone when the block raises."""
        try:
            with (
                translated_failures(),
                self._turn_to_write(),
                self._writer.connect() as connection,
                connection.begin() as transaction,
            ):
                yield connection
                _commit(transaction)
        except DatabaseUnavailable:
            self._refused = True
            raise
        self._refused = False

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Open a transaction that changes tables; of all processes, one at a time is inside.

        Raises DatabaseUnavailable when another one is inside for longer than the time-out.
        """
        with self.write() as connection:
            if not self._is_sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        if not self._one_writer.acquire(timeout=self._timeout_seconds):
            raise DatabaseUnavailable(f"no turn to write within {self._timeout_seconds:g} s")
        try:
            yield
        finally:
            self._one_writer.release()


def _commit(transaction: RootTransaction) -> None:
    try:
        transaction.commit()
    except DBAPIError as failure:
        if failure.connection_invalidated:
            raise OutcomeUnknown(_one_line(failure)) from failure
        raise


@contextmanager
def translated_failures() -> Iterator[None]:
    """Turn the ways in which a database fails into DatabaseUnavailable."""
    try:
        yield
    except DBAPIError as failure:
        if not _lies_with_the_database(failure):
            raise
        raise DatabaseUnavailable(_one_line(failure)) from failure
    except NoFreeConnectionError as failure:
        raise DatabaseUnavailable("every connection is in use") from failure


def _lies_with_the_database(failure: DBAPIError) -> bool:
    return (
        isinstance(failure, OperationalError | InterfaceError)
        or failure.connection_invalidated
        # How SQLite says that the file is damaged, or no database at all.
        or type(failure) is DatabaseError
        or getattr(failure.orig, "sqlstate", None) in _UNAVAILABLE_CODES
    )


def _one_line(failure: DBAPIError) -> str:
    return " ".join(str(failure.orig).split())
