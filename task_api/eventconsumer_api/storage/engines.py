"""How each of the two databases is connected to, and the settings its connections keep.

Invariants: no connection waits longer than the given time for a lock, an answer or its turn; a SQLite file
that is gone is never replaced by an empty one, and no transaction begins on a file that has lost its name.
"""

from __future__ import annotations

import select
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL, Connection, Engine

# A connection to SQLite is a file handle and a cache: one for each of the server's 40 threads costs little,
# opening one anew costs more than most requests, and the last one used has the warmest cache.
_SQLITE_POOL = 40
# Behind a proxy or a failover address, connections that live for ever stay with a server that is leaving.
_POSTGRES_RECYCLE_SECONDS = 1800
# Nothing of ours is silent for so long between two statements of a transaction.
_LONGEST_SILENCE = "10s"
# libpq never waits less than this for a server.
_LEAST_CONNECT_SECONDS = 2


def database_url(text: str) -> URL:
    """Read the URL of a database we can work with; raises ValueError, without the URL, for any other."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("must be a database URL such as sqlite:///tasks.db") from None
    except ValueError:
        raise ValueError("its port must be a number") from None
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError("must name a file: tasks in memory would not survive a restart")
    return url


def create_file(url: URL) -> None:
    """Create the SQLite file, empty, where there is none; do nothing for PostgreSQL; raises OSError."""
    if url.get_backend_name() == "sqlite" and not str(url.database).startswith("file:"):
        Path(str(url.database)).touch()


def sqlite_engine(url: URL, *, timeout_seconds: float) -> Engine:
    """Build the engine for a SQLite file, which is there already."""
    engine = create_engine(
        url, pool_size=_SQLITE_POOL, max_overflow=0, pool_use_lifo=True, pool_timeout=timeout_seconds
    )
    path = Path(str(url.database))
    event.listen(engine, "do_connect", _open_existing_file)
    event.listen(engine, "connect", partial(_prepare_sqlite_connection, path, timeout_seconds))
    event.listen(engine, "checkout", partial(_refuse_another_file, path))
    event.listen(engine, "begin", _begin_sqlite_transaction)
    return engine


def postgres_engine(url: URL, *, timeout_seconds: float, pool_size: int) -> Engine:
    """Build the engine for a PostgreSQL database; what the URL's query says goes before what we choose."""
    engine = create_engine(
        url,
        connect_args=_where_silent(
            url,
            application_name="task-api",
            connect_timeout=max(_LEAST_CONNECT_SECONDS, round(timeout_seconds)),
            # Together these end the wait for a server whose machine or network is gone.
            tcp_user_timeout=round(timeout_seconds * 1000),
            keepalives_idle=max(1, round(timeout_seconds)),
            keepalives_interval=1,
            keepalives_count=3,
        ),
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=timeout_seconds,
        pool_recycle=_POSTGRES_RECYCLE_SECONDS,
    )
    milliseconds = str(round(timeout_seconds * 1000))
    settings = {
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        # A process that is frozen in the middle of a transaction gives back what it locked.
        "idle_in_transaction_session_timeout": _LONGEST_SILENCE,
    }
    event.listen(engine, "connect", partial(_prepare_postgres_connection, settings))
    event.listen(engine, "checkout", _refuse_closed_connection)
    return engine


def postgres_session(url: URL, *, name: str, answer_seconds: int, silent_seconds: int) -> Engine:
    """Build the engine for a session without transactions, which the server ends when it says nothing.

    As with `postgres_engine`, what the URL's query says goes before what we choose.
    """
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args=_where_silent(
            url,
            application_name=name,
            connect_timeout=answer_seconds,
            tcp_user_timeout=answer_seconds * 1000,
            keepalives_idle=answer_seconds,
        ),
    )
    settings = {"idle_session_timeout": f"{silent_seconds}s", "statement_timeout": f"{answer_seconds}s"}
    event.listen(engine, "connect", partial(_prepare_postgres_connection, settings))
    return engine


def _where_silent(url: URL, **chosen: str | int) -> dict[str, str | int]:
    return {name: value for name, value in chosen.items() if name not in url.query}


def _open_existing_file(
    _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
) -> None:
    if not str(arguments[0]).startswith("file:"):
        arguments[0] = f"file:{quote(str(arguments[0]))}?mode=rw"
        options["uri"] = True


def _prepare_sqlite_connection(path: Path, timeout_seconds: float, connection: Any, record: Any) -> None:
    # Transactions begin where _begin_sqlite_transaction says, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(timeout_seconds * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")  # readers and the one writer never wait for each other
    cursor.execute("PRAGMA synchronous = FULL")  # a task that was answered with 201 survives a power cut
    # In pages: 64 MB of log are carried over at once, not 4 while one in every few dozen commits waits.
    cursor.execute("PRAGMA wal_autocheckpoint = 16000")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Debian's SQLite writes zeros over whole pages whose rows were deleted: a sixth of what the relay's
    # deletions write and compute. FAST leaves such pages as they are until they are used again; who can read
    # them can read the tasks beside them.
    cursor.execute("PRAGMA secure_delete = FAST")
    cursor.close()
    record.info["file"] = _identity(path)


def _refuse_another_file(path: Path, _connection: object, record: Any, _proxy: object) -> None:
    # A file that was deleted or replaced would take every write, and nobody would find them again.
    if record.info["file"] != _identity(path):
        raise DisconnectionError(f"{path} is another file than before")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite_transaction(connection: Connection) -> None:
    # IMMEDIATE takes the write lock before the first read: what a writer decided on cannot change under it.
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _prepare_postgres_connection(settings: Mapping[str, str], connection: Any, _record: object) -> None:
    # Not by the start-up parameter `options`: it is the URL's, and PgBouncer refuses whoever sends it.
    calls = ", ".join("set_config(%s, %s, false)" for _ in settings)
    connection.execute(f"SELECT {calls}", [word for setting in settings.items() for word in setting])
    connection.commit()


def _refuse_closed_connection(connection: Any, _record: object, _proxy: object) -> None:
    # A server says nothing to an idle client but goodbye. Asking it whether it is there, before each
    # transaction, would be one more round trip.
    news = select.poll()
    news.register(connection.fileno(), select.POLLIN)
    if news.poll(0):
        raise DisconnectionError("the server closed the connection")
