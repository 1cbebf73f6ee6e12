"""Whose turn it is to publish: of all processes on one outbox, at most one relay has it.

Invariants: what `read` returns was read while the turn was ours. A process that dies, freezes or is cut off
loses its turn, by the database's own clock or the kernel, and by nobody's comparison of two clocks.

PostgreSQL: an advisory lock of a session. A frozen process keeps its connection, so the server ends a
session that says nothing for 10 s. SQLite, one machine only: a lock on a file beside the database, which
the kernel takes from a process that ends. A frozen one keeps it, and the order, until it wakes.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from sqlalchemy import select, text
from typing_extensions import override

from eventconsumer_api.storage.database import DatabaseUnavailable, translated_failures
from eventconsumer_api.storage.engines import database_url, postgres_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import psycopg
    from sqlalchemy import Connection

    from eventconsumer_api.bell import Bell
    from eventconsumer_api.storage.database import Database

# Each outbox has its turn, so installations in schemas of one database have one each. It goes by the name of
# the schema, which stays the same when the table is restored. Any number will do as the first that no other
# program locks in the same database.
_TAKE = text(
    "SELECT pg_try_advisory_lock(1919249529, hashtext(relnamespace::regnamespace::text))"
    " FROM pg_class WHERE oid = 'outbox'::regclass"
)
_CHANNEL = "eventconsumer_outbox"
SILENT_SECONDS = 10
"""How long PostgreSQL keeps the turn for a relay that says nothing."""
_SAY_SOMETHING_EVERY_SECONDS = 3.0
_ANSWER_WITHIN_SECONDS = 5


class Turn(Protocol):
    """The right to publish. All but `held` is for the relay's thread, and raises DatabaseUnavailable."""

    held: bool

    def take(self) -> bool:
        """Take the turn if it is free."""

    def read(self) -> AbstractContextManager[Connection]:
        """Open a look at the database that fails when the turn is lost."""

    def keep(self) -> None:
        """Show that we are alive; to be called every second while something takes long."""

    def pass_on(self) -> None:
        """Tell whoever has the turn that there is something to publish."""

    def wait(self, seconds: float) -> bool:
        """Wait for our bell, or for what others pass on; return whether either came."""

    def give_up(self) -> None:
        """Leave the turn to others."""


def turn(database: Database, url: str, bell: Bell) -> Turn:
    """Return the turn of a database."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteTurn(database, Path(f"{parsed.database}.relay"), bell)
    return PostgresTurn(url, bell)


class SqliteTurn(Turn):
    """A lock on a file beside the database."""

    def __init__(self, database: Database, path: Path, bell: Bell) -> None:
        self.held = False
        self._database = database
        self._path = path
        self._bell = bell
        self._file: int | None = None

    @override
    def take(self) -> bool:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as failure:
            raise DatabaseUnavailable(f"{self._path}: {failure.strerror}") from failure
        self.held = True
        return True

    @override
    def read(self) -> AbstractContextManager[Connection]:
        return self._database.read()

    @override
    def keep(self) -> None:
        pass

    @override
    def pass_on(self) -> None:
        # Who has the turn looks by itself every few seconds; two processes on one file are a rare sight.
        pass

    @override
    def wait(self, seconds: float) -> bool:
        return self._bell.wait(seconds)

    @override
    def give_up(self) -> None:
        self.held = False
        if self._file is not None:
            os.close(self._file)
            self._file = None


class PostgresTurn(Turn):
    """An advisory lock, held by a session that does nothing but the relay's reading and waiting."""

    def __init__(self, url: str, bell: Bell) -> None:
        self.held = False
        self._bell = bell
        self._connection: Connection | None = None
        self._spoke_at = 0.0
        self._engine = postgres_session(
            database_url(url),
            name="task-api relay",
            answer_seconds=_ANSWER_WITHIN_SECONDS,
            silent_seconds=SILENT_SECONDS,
        )

    @override
    def take(self) -> bool:
        with self._session() as connection:
            self.held = bool(connection.scalar(_TAKE))
            if self.held:
                connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        return self.held

    @contextmanager
    @override
    def read(self) -> Iterator[Connection]:
        with self._session() as connection:
            if not self.held:
                raise DatabaseUnavailable("the turn to publish was lost")
            yield connection

    @override
    def keep(self) -> None:
        if time.monotonic() - self._spoke_at > _SAY_SOMETHING_EVERY_SECONDS:
            with self.read() as connection:
                connection.execute(select(1))

    @override
    def pass_on(self) -> None:
        with self._session() as connection:
            connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")

    @override
    def wait(self, seconds: float) -> bool:
        if self._connection is None:
            return self._bell.wait(seconds)
        driver = _driver(self._connection)
        # What came along with an answer waits with the driver, and not at the descriptor.
        return self._heard(driver) or self._bell.wait(seconds, driver.fileno()) or self._heard(driver)

    def _heard(self, driver: psycopg.Connection) -> bool:
        with self._session():
            # Also where a server that says goodbye is heard.
            return bool(list(driver.notifies(timeout=0)))

    @override
    def give_up(self) -> None:
        self.held = False
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Open the session where there is none; after any failure there is none, and no turn."""
        try:
            with translated_failures():
                if self._connection is None:
                    self._connection = self._engine.connect()
                yield self._connection
                self._spoke_at = time.monotonic()
        except BaseException:
            self.give_up()
            raise


def _driver(connection: Connection) -> psycopg.Connection:
    return cast("psycopg.Connection", connection.connection.driver_connection)
