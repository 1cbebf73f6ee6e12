"""The audit log's tables, and its entries as rows of them. Pure: SQL and bytes.

``audit_entries.line`` is the line as it would stand in a file, so it is verified by the same rule; the other
columns repeat parts of it, to be searched, and are held against it. Invariant: PostgreSQL takes every event's
columns, whatever stands in the event. Its text knows no NUL, which JSON can name in an id, so that is written
as an escape; its times know fewer zones than ISO 8601, so they are in UTC; and its index takes no long task
ids, so they are cut.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, cast

import msgspec

from eventconsumer_workers.audit.chain import UNREADABLE, Fault
from eventconsumer_workers.audit.query import moment
from eventconsumer_workers.envelope import OtherEvent, Rejected, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eventconsumer_workers.audit.chain import Entry, Head, Incoming
    from eventconsumer_workers.audit.query import Wanted
    from eventconsumer_workers.envelope import Event

# Here too where the tables are older than removals.
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
    REMOVALS,
)
# An index entry has room for 2704 bytes, and a character takes four at most.
TASK_CHARACTERS = 500
REMOVALS_EXIST = "SELECT to_regclass('audit_removals') IS NOT NULL"
LAST_REMOVALS = """
    SELECT DISTINCT ON (log, partition) log, partition, sequence, hash FROM audit_removals
    ORDER BY log, partition, sequence DESC"""
NOTE_REMOVAL = """
    INSERT INTO audit_removals (log, partition, sequence, hash, before) VALUES (%s, %s, %s, %s, %s)"""
REMOVE = "DELETE FROM audit_entries WHERE log = %s AND partition = %s AND sequence <= %s"
EXISTS = "SELECT to_regclass('audit_entries') IS NOT NULL"
# Any number that all workers agree on: only one of them makes the tables.
CREATION_LOCK = "SELECT pg_advisory_xact_lock(7305808869231650404)"
LOG = """
    INSERT INTO audit_logs (group_id, topic) VALUES (%(group)s, %(topic)s)
    ON CONFLICT (group_id, topic) DO UPDATE SET topic = excluded.topic RETURNING log"""
# A row names the transaction that has locked it. A worker that froze between the parts of a statement is
# neither idle nor at work: no time limit of the server counts, and its locks last while it sleeps.
END_WRITERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid IN (
        SELECT xmax FROM audit_chains WHERE log = %(log)s AND partition = ANY(%(partitions)s))"""
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
    SELECT line, sequence, event_id, event_type, task_id, occurred_at FROM audit_entries
    WHERE log = %(log)s AND partition = %(partition)s ORDER BY sequence"""
CHAINLESS = """
    SELECT group_id, topic, partition FROM audit_entries LEFT JOIN audit_logs USING (log)
    WHERE NOT EXISTS (
        SELECT FROM audit_chains
        WHERE audit_chains.log = audit_entries.log AND audit_chains.partition = audit_entries.partition)
    LIMIT 1"""
QUERY = """
    SELECT line FROM audit_entries
    WHERE (%(tasks)s::text[] IS NULL OR task_id = ANY(%(tasks)s))
      AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
    ORDER BY log, partition, sequence"""
PRESENT = "SELECT event_id FROM audit_entries WHERE log = %(log)s AND event_id = ANY(%(ids)s)"
# One statement for all: a worker that is frozen in the middle of a COPY would keep what it has locked for as
# long as it sleeps, for there the server's time limits do not count.
INSERT = """
    INSERT INTO audit_entries (log, partition, sequence, event_id, event_type, task_id, occurred_at, line)
    SELECT
        %(log)s, %(partition)s, %(sequence)s + number,
        event_id, event_type, task_id, occurred_at::timestamptz, line
    FROM unnest(
        %(event_id)b::text[], %(event_type)b::text[], %(task_id)b::text[],
        %(occurred_at)b::text[], %(line)b::text[]
    ) WITH ORDINALITY AS entry (event_id, event_type, task_id, occurred_at, line, number)"""


def text(value: str) -> str:
    """Return text as PostgreSQL can hold it, another one for each."""
    # What stays as it is has no such escape in it, and what is escaped has one: so no two become the same.
    if "\x00" in value or "\\u0000" in value:
        return value.replace("\\", "\\\\").replace("\x00", "\\u0000")
    return value


def asked(wanted: Wanted) -> dict[str, Any]:
    """Return what ``QUERY`` needs; it finds other tasks as well whose ids begin as a long one does."""
    return {
        # A long id stands there whole in rows of before that could be compressed enough for the index.
        "tasks": None if wanted.task is None else [text(wanted.task), _task(wanted.task)],
        "event_type": None if wanted.event_type is None else text(wanted.event_type),
        "since": wanted.since,
        "until": wanted.until,
    }


def moved(log: int, head: Head) -> tuple[Any, ...]:
    """Return what ``MOVE`` needs for one chain."""
    return head.sequence, head.next_offset, head.hash, head.topic_id, log, head.partition


def added(log: int, head: Head, incoming: Incoming, lines: bytes) -> dict[str, Any]:
    """Return what ``INSERT`` needs for new entries behind a chain's end."""
    events = incoming.events
    times = [_time(event.occurred_at) for event in events]
    return {
        "log": log,
        "partition": head.partition,
        "sequence": head.sequence,
        "event_id": [text(name) for name in incoming.ids],
        "event_type": [text(event.event_type) for event in events],
        "task_id": [_task(_task_id(event)) for event in events],
        "occurred_at": [time and time.isoformat() for time in times],
        "line": lines[:-1].decode().split("\n"),
    }


def check(entry: Entry, columns: Sequence[Any]) -> None:
    """Raise ``Fault`` where what stands beside a line, as ``CHAIN`` gives it, is not what its entry says."""
    try:
        event = cast("Event", read(bytes(entry.event), ()))
    except Rejected as reason:
        raise Fault(f"the line holds no event: {reason}") from reason
    sequence, event_id, event_type, task_id, occurred_at = columns
    expected = entry.sequence, text(entry.event_id), text(event.event_type), _time(event.occurred_at)
    if (sequence, event_id, event_type, occurred_at) != expected or task_id not in _tasks(event):
        raise Fault("the row's columns are not those of its line")


def _tasks(event: Event) -> set[str | None]:
    """Return what the column may say: rows of before have long ids whole, and those of task events only."""
    named = _task_id(event)
    if named is None:
        return {None}
    return {text(named), _task(named), *([None] if isinstance(event, OtherEvent) else [])}


class _Data(msgspec.Struct, gc=False):
    task_id: object = None


_data = msgspec.json.Decoder(_Data)


def _task_id(event: Event) -> str | None:
    """Return the task that an event names in its data, whatever else these hold."""
    if not isinstance(event, OtherEvent):
        return None if event.task is None else event.task.task_id
    try:
        found = _data.decode(event.data).task_id
    except UNREADABLE:
        return None
    return found if isinstance(found, str) else None


def _task(task_id: str | None) -> str | None:
    return None if task_id is None else text(task_id)[:TASK_CHARACTERS]


def _time(occurred_at: str) -> datetime | None:
    try:
        # PostgreSQL knows no offset of 16 hours or more, and none with fractions of a second.
        return moment(occurred_at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
