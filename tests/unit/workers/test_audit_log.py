"""The audit log keeps each event once and whole, whatever happened to its last writer."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_workers.audit_log import AuditLog, AuditLogError
from tests.support.events import event
from tests.support.records import batch

if TYPE_CHECKING:
    from pathlib import Path

    from eventconsumer_workers.handlers import Batch


def sent_as(*events: dict[str, Any], indent: int | None = None) -> Batch:
    return batch(*[json.dumps(one, indent=indent).encode() for one in events])


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def ids(path: Path) -> list[str]:
    return [entry["event_id"] for entry in entries(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def written(path: Path, *sent: dict[str, Any]) -> None:
    log = AuditLog(path)
    log.append(sent_as(*sent))
    log.close()


def test_an_entry_is_the_event_as_received_and_the_time_of_the_audit(path: Path) -> None:
    sent = event(schema_version=2)
    sent["data"]["colour"] = {"of": ["later", 1.50]}
    written(path, sent)
    (entry,) = entries(path)
    assert list(entry) == ["event_id", "event_type", "occurred_at", "data", "metadata", "audited_at"]
    assert entry.pop("audited_at").endswith("+00:00")
    assert entry == {key: sent[key] for key in entry}


def test_an_event_that_comes_twice_is_there_once(path: Path) -> None:
    first, second = event(), event()
    log = AuditLog(path)
    appended = [log.append(sent_as(first, second, first)), log.append(sent_as(second))]
    log.close()
    assert [len(events) for events in appended] == [2, 0]
    assert ids(path) == [first["event_id"], second["event_id"]]


def test_the_same_id_in_other_letters_is_the_same_event(path: Path) -> None:
    sent = event()
    written(path, sent, {**sent, "event_id": sent["event_id"].upper()})
    assert len(ids(path)) == 1


def test_a_restart_remembers_what_is_there(path: Path) -> None:
    first, second = event(), event()
    written(path, first)
    written(path, first, second)
    assert ids(path) == [first["event_id"], second["event_id"]]


@pytest.mark.parametrize(
    "kept", [0, 1, 100, -1], ids=["nothing of it", "one byte", "a part", "all but the end"]
)
def test_a_torn_last_line_is_cut_and_its_event_is_taken_again(path: Path, kept: int) -> None:
    first, second = event(), event()
    written(path, first)
    whole = path.read_bytes()
    written(path, second)
    torn = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + torn[:kept])
    written(path, second)
    assert ids(path) == [first["event_id"], second["event_id"]]


def test_a_torn_line_longer_than_one_look_at_the_tail_is_cut(path: Path) -> None:
    first = event()
    written(path, first)
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    AuditLog(path).close()
    assert path.read_bytes() == whole


def test_a_log_of_nothing_but_a_torn_line_becomes_empty(path: Path) -> None:
    path.write_bytes(b'{"event_id":"')
    AuditLog(path).close()
    assert path.read_bytes() == b""


def test_a_damaged_line_in_the_middle_stays_and_hides_no_other(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = event(), event()
    written(path, first)
    with path.open("ab") as log:
        log.write(b"\x00\x00 damaged\n")
    written(path, first, second)
    assert "1 lines of" in caplog.text
    assert b"damaged" in path.read_bytes()
    assert path.read_bytes().count(first["event_id"].encode()) == 1


def test_a_pretty_printed_event_is_one_line(path: Path) -> None:
    log = AuditLog(path)
    sent = event(title="two\nlines")
    log.append(sent_as(sent, event(), indent=2))
    log.close()
    assert [entry["data"]["title"] for entry in entries(path)] == ["two\nlines", "Write the report"]


def test_a_second_writer_is_refused_with_the_reason(path: Path) -> None:
    first = AuditLog(path)
    with pytest.raises(AuditLogError, match="another process writes the audit log"):
        AuditLog(path)
    first.close()
    AuditLog(path).close()


def test_a_log_in_a_missing_folder_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(AuditLogError, match="No such file or directory"):
        AuditLog(tmp_path / "missing" / "audit.log")


def test_a_log_that_someone_cut_takes_no_more_events(path: Path) -> None:
    log = AuditLog(path)
    log.append(sent_as(event()))
    os.truncate(path, 10)
    with pytest.raises(OSError, match="someone cut it"):
        log.append(sent_as(event()))
    log.close()


def test_a_full_disk_loses_nothing_and_the_next_attempt_repairs_the_log(path: Path) -> None:
    sent = [event() for _ in range(3)]
    log = AuditLog(path)
    log.append(sent_as(sent[0]))
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, old[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            log.append(sent_as(*sent))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    log.append(sent_as(*sent))
    log.close()
    assert ids(path) == [one["event_id"] for one in sent]


def test_a_killed_writer_gives_back_its_lock(path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from eventconsumer_workers.audit_log import AuditLog\n"
        "log = AuditLog(pathlib.Path(sys.argv[1]))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    AuditLog(path).close()
