"""Removing old entries of a log in a real PostgreSQL: what is left is proven, and what is damaged stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from eventconsumer_workers.__main__ import main
from eventconsumer_workers.audit import postgres as audit_postgres
from eventconsumer_workers.audit.chain import Fault
from eventconsumer_workers.audit.database import verify_database
from eventconsumer_workers.audit.removal import remove_from_database
from tests.integration.workers.postgres_entries import entries, number, opened
from tests.unit.workers.audit.builders import Sent, append, incoming, some

if TYPE_CHECKING:
    from eventconsumer_workers.audit.postgres import PostgresLog

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
CHAIN = "audit-service task-events[0]"
ROLES = ("audit_worker", "audit_remover")
DESCRIPTION = Path(__file__, "../../../../workers/AUDIT_LOG.md").resolve().read_text()
GRANTS = re.findall(r"^GRANT .*;$", DESCRIPTION, re.MULTILINE)


def test_old_entries_are_removed_and_the_rest_is_proven_and_goes_on(
    log: PostgresLog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = some(range(3)), some(range(3, 5))
    append_at(log, NOW - 40 * DAY, old, monkeypatch)
    append_at(log, NOW - 20 * DAY, new, monkeypatch)
    assert remove_from_database(database, NOW - 30 * DAY) == {CHAIN: 3}
    assert remove_from_database(database, NOW - 30 * DAY) == {}
    found = verify_database(database)
    assert (found.fault, found.entries, found.begins[CHAIN]) == (None, 2, 4)
    assert append(log, [*old, *new]) == []
    assert remove_from_database(database, NOW) == {CHAIN: 5}
    append(log, [incoming(5)])
    assert [entry["sequence"] for entry in entries(database)] == [6]
    assert verify_database(database).fault is None


def append_at(log: PostgresLog, time: datetime, events: list[Sent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_postgres, "now", time.isoformat)
    append(log, events)


def test_a_removal_that_nobody_noted_is_found(
    log: PostgresLog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_at(log, NOW - 40 * DAY, some(range(3)), monkeypatch)
    remove_from_database(database, NOW)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE audit_removals SET sequence = sequence - 1")
    assert "task-events[0], sequence 3" in str(verify_database(database).fault)


def test_nothing_is_removed_of_a_chain_that_is_damaged_there(
    log: PostgresLog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_at(log, NOW - 40 * DAY, some(range(3)), monkeypatch)
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM audit_entries WHERE sequence = 2")
    with pytest.raises(Fault, match=r"task-events\[0\].*sequence 3 follows 1"):
        remove_from_database(database, NOW)
    assert number(database) == 2


def test_a_script_removes_and_verifies_by_exit_code(
    log: PostgresLog,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    append_at(log, NOW - 40 * DAY, some(range(3)), monkeypatch)
    monkeypatch.setenv("AUDIT_DATABASE_URL", database)
    assert [main(["audit", *words.split()]) for words in ("remove --keep-days=30", "verify")] == [0, 0]
    told = capsys.readouterr().out
    assert told.startswith(f"{CHAIN}: removed to sequence 3\n")
    assert f"{CHAIN} none of 3" in told


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_entries WHERE sequence <= 2",
        "DELETE FROM audit_entries WHERE sequence = 4",
        "UPDATE audit_entries SET line = replace(line, 'pending', 'removed') WHERE sequence = 4",
        "UPDATE audit_entries SET task_id = NULL WHERE sequence = 4",
    ],
)
@pytest.mark.parametrize("removed_before", [0, 1])
def test_damage_is_not_made_good_by_a_removal_behind_it(
    log: PostgresLog, database: str, change: str, removed_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_at(log, NOW - 60 * DAY, some(range(removed_before)), monkeypatch)
    append_at(log, NOW - 40 * DAY, some(range(removed_before, 6)), monkeypatch)
    append_at(log, NOW, some(range(6, 8)), monkeypatch)
    remove_from_database(database, NOW - 50 * DAY)
    with psycopg.connect(database) as connection:
        connection.execute(change.encode())
    for _ in range(2):
        assert verify_database(database).fault is not None
        left = number(database)
        with pytest.raises(Fault, match="task-events"):
            remove_from_database(database, NOW - 30 * DAY)
        assert number(database) == left


def test_the_roles_that_are_described_suffice(
    log: PostgresLog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_at(log, NOW - 40 * DAY, some(range(3)), monkeypatch)
    with psycopg.connect(database) as connection:
        for role in ROLES:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'".encode())
        for grant in GRANTS:
            connection.execute(grant.encode())
    try:
        worker = opened(as_role(database, "audit_worker"))
        worker.claim([0])
        append_at(worker, NOW, some(range(3, 5)), monkeypatch)
        worker.close()
        for role, words in (
            ("remover", "remove --keep-days=30"),
            ("remover", "verify"),
            ("worker", "verify"),
        ):
            monkeypatch.setenv("AUDIT_DATABASE_URL", as_role(database, f"audit_{role}"))
            assert main(["audit", *words.split()]) == 0
        assert [entry["sequence"] for entry in entries(database)] == [4, 5]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            remove_from_database(as_role(database, "audit_worker"), NOW + DAY)
    finally:
        with psycopg.connect(database) as connection:
            for role in ROLES:
                connection.execute(f"DROP OWNED BY {role}".encode())
                connection.execute(f"DROP ROLE {role}".encode())


def as_role(database: str, role: str) -> str:
    return psycopg.conninfo.make_conninfo(database, user=role, password=role)
