"""The audit log in a real PostgreSQL: each event once, in order, by the worker that has the partition."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from eventconsumer_workers.audit import postgres as audit_postgres
from eventconsumer_workers.audit import rows
from eventconsumer_workers.audit.chain import Fenced
from eventconsumer_workers.audit.database import verify_database
from eventconsumer_workers.audit.postgres import PostgresLog
from eventconsumer_workers.audit.query import moment
from tests.integration.workers.postgres_entries import entries, ids, opened
from tests.unit.workers.audit.builders import Sent, append, ids_of, incoming, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.postgres import LocalPostgres

# 16,000 characters that no compression makes short.
LONG = "".join(sha256(b"%d" % number).hexdigest() for number in range(250))


def task_of(task_id: str) -> dict[str, str]:
    return {"task_id": task_id, "title": "Write the report", "status": "pending"}


def test_entries_are_those_of_a_log_on_a_volume(log: PostgresLog, database: str) -> None:
    events = [*some(range(3)), incoming(7, partition=2, title='a "quote", a \\ and\ta tab, é')]
    assert append(log, events) == events
    first, *_, last = entries(database)
    assert (first["sequence"], first["offset"], first["previous_hash"]) == (1, 0, "0" * 64)
    assert (last["partition"], last["event"]) == (2, json.loads(events[-1].value))
    assert verify_database(database) == (
        4,
        {
            "audit-service task-events[0]": 3,
            "audit-service task-events[1]": 0,
            "audit-service task-events[2]": 1,
        },
        {},
        None,
    )


def test_what_is_delivered_or_published_again_is_there_once(log: PostgresLog, database: str) -> None:
    events = some(range(4))
    again = [one._replace(offset=one.offset + 10, partition=1) for one in events]
    new = incoming(20, partition=1)
    assert append(log, events) == events
    assert append(log, events) == []
    assert append(log, [*again, new, new._replace(offset=21)]) == [new]
    assert ids(database) == ids_of([*events, new])
    assert verify_database(database).fault is None


def test_ids_that_postgres_can_not_hold_are_kept_apart_all_the_same(log: PostgresLog, database: str) -> None:
    names = ["a\x00", "a\\u0000", "a\\\\u0000", "a\\\x00", "a\\", "a\x00\\", "\t\n", "\\N", "é"]
    odd = [incoming(number, event_id=name) for number, name in enumerate(names)]
    # One by one, so that each meets those that are stored, and then at once in another chain.
    assert [append(log, [one]) for one in odd] == [[one] for one in odd]
    assert append(log, [one._replace(offset=one.offset + 10) for one in odd]) == []
    assert ids(database) == names
    assert verify_database(database).fault is None


def test_ids_that_only_look_the_same_come_in_together(log: PostgresLog, database: str) -> None:
    odd = [incoming(0, event_id="a\x00"), incoming(1, event_id="a\\u0000")]
    assert append(log, odd) == odd
    assert ids(database) == ids_of(odd)


@pytest.mark.parametrize(
    "odd",
    [
        {"occurred_at": "2026-01-01T00:00:00+16:00"},
        {"occurred_at": "2026-01-01T00:00:00-23:59"},
        {"occurred_at": "2026-01-01T00:00:00+00:00:30.5"},
        {"occurred_at": "0001-01-01T00:00:00+16:00"},
        {"occurred_at": "9999-12-31T23:59:59-16:00"},
        {"occurred_at": "0001-01-01"},
        {"occurred_at": "infinity"},
        {"data": task_of(LONG)},
        {"data": task_of("".join(map(chr, range(0x10000, 0x11000))))},
        {"data": task_of("\x00" * 3000)},
        {"event_type": f"\x00{LONG}"},
    ],
    ids=lambda odd: ascii(odd)[:40],
)
def test_no_event_is_more_than_the_database_takes(
    log: PostgresLog, database: str, odd: dict[str, Any]
) -> None:
    events = [incoming(0, **odd), incoming(1)]
    assert append(log, events) == events
    assert ids(database) == ids_of(events)
    assert verify_database(database).fault is None


def test_long_task_ids_that_begin_alike_are_found_by_all_their_characters(
    log: PostgresLog, database: str
) -> None:
    tasks = [LONG, f"{LONG}a", f"{LONG}b", LONG[: rows.TASK_CHARACTERS], "a\x00", "a\\u0000"]
    events = [incoming(number, data=task_of(task)) for number, task in enumerate(tasks)]
    append(log, events)
    assert [[one["event_id"] for one in entries(database, task=task)] for task in tasks] == [
        [event.event_id] for event in events
    ]


def test_an_offset_of_16_hours_counts_in_a_query_by_time(log: PostgresLog, database: str) -> None:
    append(log, [incoming(0, occurred_at="2026-01-15T16:00:00+16:00")])
    at = moment("2026-01-15T00:00:00+00:00")
    assert (len(entries(database, since=at)), len(entries(database, until=at))) == (1, 0)


def test_a_row_that_is_in_the_way_is_said_instead_of_met_for_ever(log: PostgresLog, database: str) -> None:
    append(log, some(range(2)))
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE audit_chains SET sequence = 1 WHERE partition = 0")
    with pytest.raises(OSError, match="audit_entries_pkey"):
        append(log, [incoming(2)])


def test_a_restart_goes_on_in_the_chain(log: PostgresLog, database: str) -> None:
    append(log, some(range(2)))
    after = opened(database)
    after.claim([0])
    assert len(append(after, some(range(1, 4)))) == 2
    after.close()
    assert [entry["sequence"] for entry in entries(database)] == [1, 2, 3, 4]


def test_a_later_topic_of_the_same_name_starts_at_its_first_message(log: PostgresLog, database: str) -> None:
    append(log, some(range(3)), "the first topic")
    assert len(append(log, some(range(2)), "the second topic")) == 2
    assert verify_database(database).fault is None


def test_who_lost_a_partition_can_not_write_to_it(log: PostgresLog, database: str) -> None:
    next_owner = opened(database)
    next_owner.claim([0])
    with pytest.raises(Fenced, match="another worker"):
        append(log, [incoming(0), incoming(0, partition=1)])
    assert len(append(log, [incoming(0, partition=1)])) == 1
    assert len(append(next_owner, [incoming(0)])) == 1
    next_owner.close()


def test_who_claims_a_partition_ends_the_session_that_froze_while_it_wrote_for_it(
    log: PostgresLog, database: str
) -> None:
    append(log, some(range(2)))
    next_owner = opened(database)
    with frozen_in_a_statement(database) as frozen:
        next_owner.claim([0])
        assert len(append(next_owner, [incoming(2)])) == 1
        with pytest.raises(psycopg.OperationalError):
            frozen.execute("COMMIT")
    assert verify_database(database).fault is None
    next_owner.close()


@contextmanager
def frozen_in_a_statement(database: str) -> Iterator[psycopg.Connection]:
    """Lock all chains, and then send the first part of a statement and no more."""
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
            connection.execute(f"SET {setting} = '1s'")
        connection.execute("BEGIN")
        connection.execute("SELECT FROM audit_chains FOR UPDATE")
        parse = b"\0SELECT 1\0\0\0"
        os.write(connection.fileno(), b"P" + (4 + len(parse)).to_bytes(4, "big") + parse)
        yield connection


def test_a_partition_that_was_given_back_is_not_written(log: PostgresLog) -> None:
    log.forget([0])
    with pytest.raises(Fenced):
        append(log, [incoming(0)])


def test_a_killed_database_is_waited_for(log: PostgresLog, database: str, postgres: LocalPostgres) -> None:
    first, second = incoming(0), incoming(1)
    append(log, [first])
    postgres.stop()
    with pytest.raises(OSError, match=r"connection|server"):
        append(log, [second])
    postgres.start()
    assert append(log, [first, second]) == [second]
    assert ids(database) == ids_of([first, second])


def test_a_database_that_falls_silent_is_waited_for(
    log: PostgresLog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = incoming(0), incoming(1)
    append(log, [first])
    monkeypatch.setattr(audit_postgres, "_ANSWER_SECONDS", 0.5)
    assert log._connection is not None
    server = log._connection.info.backend_pid
    # Its kernel goes on to acknowledge what comes.
    os.kill(server, signal.SIGSTOP)
    try:
        with pytest.raises(OSError, match=r"no answer within 0\.5 s"):
            append(log, [second])
        monkeypatch.undo()
        assert append(log, [first, second]) == [second]
    finally:
        os.kill(server, signal.SIGCONT)
    assert ids(database) == ids_of([first, second])


def test_a_password_is_in_no_message(database: str) -> None:
    password = psycopg.conninfo.conninfo_to_dict(database)["password"]
    with pytest.raises(OSError, match="does not exist") as refused:
        opened(f"{database}-missing").claim([0])
    assert str(password) not in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET line = replace(line, 'pending', 'removed') WHERE sequence = 2",
        "UPDATE audit_entries SET event_id = 'another' WHERE sequence = 2",
        "DELETE FROM audit_entries WHERE sequence = 2",
        "DELETE FROM audit_entries WHERE sequence = 3",
        "UPDATE audit_entries SET event_type = 'task.deleted' WHERE sequence = 2",
        "UPDATE audit_entries SET task_id = NULL WHERE sequence = 2",
        "UPDATE audit_entries SET occurred_at = NULL WHERE sequence = 2",
        "UPDATE audit_entries SET occurred_at = occurred_at + interval '1 us' WHERE sequence = 2",
        "UPDATE audit_entries SET occurred_at = 'infinity' WHERE sequence = 2",
    ],
)
def test_a_change_by_hand_is_found(log: PostgresLog, database: str, change: str) -> None:
    append(log, some(range(3)))
    with psycopg.connect(database) as connection:
        connection.execute(change.encode())
    assert "task-events[0], sequence" in str(verify_database(database).fault)


def test_entries_that_no_chain_is_known_of_are_found(log: PostgresLog, database: str) -> None:
    append(log, [*some(range(3)), incoming(0, partition=1)])
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM audit_chains WHERE partition = 0")
    found = verify_database(database)
    assert str(found.fault).startswith("audit-service task-events[0]: it has entries")
    log.claim([0])
    assert "task-events[0], sequence 4" in str(verify_database(database).fault)


def test_an_event_that_is_no_task_event_is_found_by_the_task_that_it_names(
    log: PostgresLog, database: str
) -> None:
    told = [{"task_id": "T1", "comment": "é"}, {"task_id": 7}, {"task_id": None}, {}, {"comment": "T1"}]
    events = [incoming(n, event_type="task.commented", data=data) for n, data in enumerate(told)]
    append(log, [*events, incoming(5, data=task_of("T1"))])
    assert [one["sequence"] for one in entries(database, task="T1")] == [1, 6]
    assert verify_database(database).fault is None


def test_a_row_of_before_without_the_task_that_its_event_names_is_whole(
    log: PostgresLog, database: str
) -> None:
    append(log, [incoming(0, event_type="task.commented", data={"task_id": "T1"})])
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE audit_entries SET task_id = NULL")
    assert verify_database(database).fault is None


def test_entries_are_found_by_task_type_and_time(log: PostgresLog, database: str) -> None:
    early = incoming(0, event_type="task.created", occurred_at="2026-01-15T10:00:00+00:00")
    late = incoming(1, event_type="task.completed", occurred_at="2026-01-15T12:00:00+02:00")
    odd = incoming(2, event_type="task.completed", occurred_at="yesterday")
    append(log, [early, late, odd])
    task = json.loads(late.value)["data"]["task_id"]
    assert [
        len(entries(database, **wanted)) for wanted in ({"task": task}, {"event_type": "task.completed"})
    ] == [1, 2]
    assert (
        len(entries(database, since=moment("2026-01-15T10:00:00"), until=moment("2026-01-15T10:00:01"))) == 2
    )


def test_other_groups_have_chains_of_their_own(log: PostgresLog, database: str) -> None:
    other = PostgresLog(database, group="another-service", topic="task-events")
    other.claim([0])
    event: Sent = incoming(0)
    assert append(log, [event]) == append(other, [event]) == [event]
    other.close()
