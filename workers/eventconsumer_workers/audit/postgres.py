"""The audit log in a PostgreSQL database, for more events or more workers than one volume can take.

The same lines in the same chains as on a volume. One transaction holds the entries and the offsets behind
them, so that what is settled and what is in the log can't differ; the database lets no event id in twice.
Each partition has an epoch: who takes it over raises it, and a transaction of an earlier epoch is refused,
so a worker that was frozen while its partition moved can't write to it when it wakes.
"""

from __future__ import annotations

import logging
import os
import socket
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import errors

from eventconsumer_workers.audit import rows
from eventconsumer_workers.audit.chain import START, Begun, Fenced, Head, Incoming, Unsure, extend, now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 5
# Longer than the server's own limits, and shorter than the loop may stand still.
_ANSWER_SECONDS = 30.0
# A machine that is gone acknowledges nothing.
_NETWORK: dict[str, Any] = {
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
# A successor ends the session of a worker that froze; what it can't see of it keeps it waiting no longer.
_LIMITS = {
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "5s",
    "tcp_user_timeout": "15s",
}


class DatabaseRefusedError(OSError):
    """The database can't take entries now; the text is its own."""


class PostgresLog:
    """The log of one group and topic in a database, connected when it is first needed."""

    def __init__(self, url: str, *, group: str, topic: str) -> None:
        self._url = url
        self._group = group
        self._topic = topic
        self._connection: psycopg.Connection | None = None
        self._log = 0
        self._epochs: dict[int, int] = {}

    def next_offsets(self, *_: object) -> Mapping[int, int]:
        """Go on where Kafka says: a database that was not set back has all that was committed."""
        return {}

    def claim(self, partitions: Collection[int]) -> None:
        """Raise the epochs of partitions, so that nobody who claimed them before can write for them.

        Who is in the middle of writing for them has lost them, and its session ends.
        """
        with self._transaction() as connection:
            of = {"log": self._log, "partitions": sorted(partitions)}
            if ended := connection.execute(rows.END_WRITERS, of).rowcount:
                _log.warning("Ended %d sessions that wrote for partitions that are ours now", ended)
            claimed = connection.execute(rows.CLAIM, {**of, "start": START.decode()}).fetchall()
        self._epochs |= dict(claimed)

    def forget(self, partitions: Collection[int]) -> None:
        """Write nothing more for these partitions."""
        for partition in partitions:
            self._epochs.pop(partition, None)

    def append(self, incoming: Sequence[Incoming], topic_id: str | None, sure: Callable[[], bool]) -> Begun:
        """Commit the events that the log lacks: they are settled when it returns.

        Raise ``Fenced`` when another worker has claimed one of the partitions, ``Unsure`` when ``sure`` says
        no, and ``OSError`` when it can't be done now. After a failure, even one that leaves open what was
        committed, the same events may be given again.
        """
        if not sure():
            raise Unsure
        return Begun(self._committed(incoming, topic_id))

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _committed(self, incoming: Sequence[Incoming], topic_id: str | None) -> list[Incoming]:
        known: set[str] = set()
        while True:
            try:
                with self._transaction() as connection:
                    return self._written(connection, incoming, topic_id, known)
            except errors.UniqueViolation as fault:
                found = self._present([name for part in incoming for name in part.ids])
                if found <= known:
                    # Not for the ids of these events, so to try again at once would only be refused again.
                    raise DatabaseRefusedError(_words(fault)) from fault
                known = found

    def _written(
        self,
        connection: psycopg.Connection,
        incoming: Sequence[Incoming],
        topic_id: str | None,
        known: set[str],
    ) -> list[Incoming]:
        appended: list[Incoming] = []
        seen, audited_at = set(known), now()
        with connection.cursor() as cursor:
            heads = self._heads(cursor, [part.partition for part in incoming], topic_id)
            for part in incoming:
                head = heads[part.partition]
                fresh = _unseen(part, head, seen)
                lines, _, end = extend(head, fresh, audited_at=audited_at)
                if fresh.ids:
                    cursor.execute(rows.INSERT, rows.added(self._log, head, fresh, lines))
                appended.append(fresh)
                settled = max(head.next_offset, part.offsets[-1] + 1)
                heads[part.partition] = msgspec.structs.replace(end, next_offset=settled)
            cursor.executemany(rows.MOVE, [rows.moved(self._log, head) for head in heads.values()])
        return appended

    def _heads(self, cursor: psycopg.Cursor, partitions: list[int], topic_id: str | None) -> dict[int, Head]:
        """Lock the ends of chains, which we must have claimed last."""
        cursor.execute(rows.HEADS, {"log": self._log, "partitions": sorted(partitions)})
        heads: dict[int, Head] = {}
        for partition, epoch, sequence, next_offset, found, of_topic in cursor:
            if epoch != self._epochs.get(partition):
                raise Fenced(f"another worker has taken over partition {partition}")
            renewed = bool(topic_id and of_topic and topic_id != of_topic)
            # A later topic of the same name counts its offsets from 0 again; the chain goes on.
            offset = 0 if renewed else next_offset
            heads[partition] = Head(self._topic, partition, sequence, offset, found, topic_id or of_topic)
        if len(heads) < len(partitions):
            raise Fenced("a partition was not claimed")
        return heads

    def _present(self, ids: list[str]) -> set[str]:
        stored = {rows.text(name): name for name in ids}
        with self._transaction() as connection:
            found = connection.execute(rows.PRESENT, {"log": self._log, "ids": list(stored)})
            return {stored[name] for (name,) in found}

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """Commit what is done inside; after a failure the next attempt makes a new connection."""
        try:
            connection = self._connected()
            with _answering(connection), connection.transaction():
                yield connection
        except errors.UniqueViolation:
            raise
        except psycopg.Error as fault:
            self.close()
            raise DatabaseRefusedError(_words(fault)) from fault

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            connection = psycopg.connect(
                self._url,
                connect_timeout=_CONNECT_SECONDS,
                autocommit=True,
                client_encoding="UTF8",
                **_NETWORK,
            )
            try:
                with _answering(connection):
                    self._log = _prepared(connection, self._group, self._topic)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


@contextmanager
def _answering(connection: psycopg.Connection) -> Iterator[None]:
    """End a connection whose server is silent for too long, though its machine acknowledges all it gets."""
    silent = Event()

    def cut() -> None:
        silent.set()
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    # A handle of our own: the connection may close its own one at any moment.
    with socket.socket(fileno=os.dup(connection.fileno())) as handle:
        timer = Timer(_ANSWER_SECONDS, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg.Error as fault:
            if silent.is_set():
                raise psycopg.OperationalError(f"no answer within {_ANSWER_SECONDS:g} s") from fault
            raise
        finally:
            timer.cancel()
            timer.join()


def _prepared(connection: psycopg.Connection, group: str, topic: str) -> int:
    """Make a connection fit for the log, and the tables where they are missing; return the log's number."""
    for name, limit in _LIMITS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, limit))
    # What is acknowledged is on disk, whatever the database's owner has set for others.
    if _setting(connection, "synchronous_commit") == "off":
        connection.execute("SET synchronous_commit = on")
    encoding = _setting(connection, "server_encoding")
    if encoding != "UTF8":
        raise DatabaseRefusedError(f"the audit log needs a database in UTF8, and this one is in {encoding}")
    with connection.transaction():
        connection.execute(rows.CREATION_LOCK)
        if connection.execute(rows.EXISTS).fetchone() == (False,):
            for table in rows.TABLES:
                connection.execute(table)
        row = connection.execute(rows.LOG, {"group": group, "topic": topic}).fetchone()
    return int(row[0]) if row else 0


def _words(fault: psycopg.Error) -> str:
    return " ".join(str(fault).split())


def _setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def _unseen(incoming: Incoming, head: Head, seen: set[str]) -> Incoming:
    """Return the events behind a chain's end whose ids were not seen, and note these."""
    fresh = []
    for place, (offset, name) in enumerate(zip(incoming.offsets, incoming.ids, strict=True)):
        if offset >= head.next_offset and name not in seen:
            seen.add(name)
            fresh.append(place)
    return incoming if len(fresh) == len(incoming.ids) else incoming.only(fresh)
