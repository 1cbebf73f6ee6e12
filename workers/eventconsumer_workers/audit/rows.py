"""The audit log's tables, and its entries as rows of them. Pure: SQL and bytes.

``audit_entries.line`` is the line as it would stand in a file, so it is verified by the same rule; the other
columns repeat parts of it, to be searched. PostgreSQL's text knows no NUL, which JSON can name in an id: it
is written as an escape there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.audit.chain import LINE_PIECES, Head, Incoming

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = (
    """
    CREATE TABLE audit_logs (
        log integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        group_id text NOT NULL,
        topic text NOT NULL,
        UNIQUE (group_id, topic)
    )""",
    """
    CREATE TABLE audit_chains (
        log integer NOT NULL REFERENCES audit_logs,
        partition integer NOT NULL,
        epoch bigint NOT NULL,
        sequence bigint NOT NULL,
        next_offset bigint NOT NULL,
        hash text NOT NULL,
        topic_id text,
        PRIMARY KEY (log, partition)
    )""",
    """
    CREATE TABLE audit_entries (
        log integer NOT NULL,
        partition integer NOT NULL,
        sequence bigint NOT NULL,
        event_id text NOT NULL,
        event_type text NOT NULL,
        task_id text,
        occurred_at timestamptz,
        line text NOT NULL,
        PRIMARY KEY (log, partition, sequence),
        UNIQUE (log, event_id)
    )""",
    "CREATE INDEX audit_entries_task ON audit_entries (log, task_id) WHERE task_id IS NOT NULL",
    "CREATE INDEX audit_entries_time ON audit_entries USING brin (occurred_at)",
)
# Made by whoever removes entries, so that a worker's role needs no right to it.
REMOVALS = """
    CREATE TABLE IF NOT EXISTS audit_removals (
        log integer NOT NULL REFERENCES audit_logs,
        partition integer NOT NULL,
        sequence bigint NOT NULL,
        hash text NOT NULL,
        before timestamptz NOT NULL,
        removed_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (log, partition, sequence)
    )"""
REMOVALS_EXIST = "SELECT to_regclass('audit_removals') IS NOT NULL"
LAST_REMOVALS = """
    SELECT DISTINCT ON (log, partition) log, partition, sequence, hash FROM audit_removals
    ORDER BY log, partition, sequence DESC"""
NOTE_REMOVAL = """
    INSERT INTO audit_removals (log, partition, sequence, hash, before) VALUES (%s, %s, %s, %s, %s)"""
REMOVE = "DELETE FROM audit_entries WHERE log = %s AND partition = %s AND sequence <= %s"
ENDS = "SELECT min(sequence), max(sequence) FROM audit_entries WHERE log = %s AND partition = %s"
LINE = "SELECT line FROM audit_entries WHERE log = %s AND partition = %s AND sequence = %s"
EXISTS = "SELECT to_regclass('audit_entries') IS NOT NULL"
# Any number that all workers agree on: only one of them makes the tables.
CREATION_LOCK = "SELECT pg_advisory_xact_lock(7305808869231650404)"
LOG = """
    INSERT INTO audit_logs (group_id, topic) VALUES (%(group)s, %(topic)s)
    ON CONFLICT (group_id, topic) DO UPDATE SET topic = excluded.topic RETURNING log"""
CLAIM = """
    INSERT INTO audit_chains (log, partition, epoch, sequence, next_offset, hash)
    SELECT %(log)s, partition, 1, 0, 0, %(start)s FROM unnest(%(partitions)s::integer[]) AS partition
    ON CONFLICT (log, partition) DO UPDATE SET epoch = audit_chains.epoch + 1
    RETURNING partition, epoch"""
HEADS = """
    SELECT partition, epoch, sequence, next_offset, hash, topic_id FROM audit_chains
    WHERE log = %(log)s AND partition = ANY(%(partitions)s) ORDER BY partition FOR UPDATE"""
MOVE = """
    UPDATE audit_chains SET sequence = %s, next_offset = %s, hash = %s, topic_id = %s
    WHERE log = %s AND partition = %s"""
CHAINS = """
    SELECT log, group_id, topic, partition, sequence, hash FROM audit_chains JOIN audit_logs USING (log)
    ORDER BY group_id, topic, partition"""
CHAIN = """
    SELECT sequence, event_id, line FROM audit_entries
    WHERE log = %(log)s AND partition = %(partition)s ORDER BY sequence"""
QUERY = """
    SELECT line FROM audit_entries
    WHERE (%(task)s::text IS NULL OR task_id = %(task)s)
      AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
    ORDER BY log, partition, sequence"""
PRESENT = "SELECT event_id FROM audit_entries WHERE log = %(log)s AND event_id = ANY(%(ids)s)"
COPY = """
    COPY audit_entries (log, partition, sequence, event_id, event_type, task_id, occurred_at, line)
    FROM STDIN"""

_ABSENT = "\\N"


def text(value: str) -> str:
    """Return text as PostgreSQL can hold it."""
    return value.replace("\x00", "\\u0000") if "\x00" in value else value


def moved(log: int, head: Head) -> tuple[Any, ...]:
    """Return what ``MOVE`` needs for one chain."""
    return head.sequence, head.next_offset, head.hash, head.topic_id, log, head.partition


def encoded(log: int, head: Head, incoming: Sequence[Incoming], pieces: Sequence[bytes]) -> bytes:
    """Return the rows of new entries in the text format of COPY."""
    rows: list[bytes] = []
    for number, event in enumerate(incoming):
        line = b"".join(pieces[LINE_PIECES * number : LINE_PIECES * (number + 1)])[:-1]
        task = event.event.task
        place = f"{log}\t{head.partition}\t{head.sequence + 1 + number}\t"
        columns = "\t".join(
            (
                _escaped(event.event_id),
                _escaped(event.event.event_type),
                _ABSENT if task is None else _escaped(task.task_id),
                _time(event.event.occurred_at),
                "",
            )
        )
        rows += (place.encode(), columns.encode(), _escaped_line(line), b"\n")
    return b"".join(rows)


def _escaped(value: str) -> str:
    if value.isprintable() and "\\" not in value:
        return value
    found = text(value).replace("\\", "\\\\")
    return found.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _escaped_line(line: bytes) -> bytes:
    if b"\\" in line:
        line = line.replace(b"\\", b"\\\\")
    return line.replace(b"\t", b"\\t") if b"\t" in line else line


def _time(occurred_at: str) -> str:
    try:
        time = datetime.fromisoformat(occurred_at)
    except ValueError:
        return _ABSENT
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
