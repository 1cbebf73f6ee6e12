"""`audit verify` and `audit query` answer by exit code and JSON lines, from files as they are."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.__main__ import main
from eventconsumer_workers.audit.files import Files
from tests.support.eventually import eventually
from tests.unit.workers.audit.builders import append, flip, ids_of, incoming, opened, packed, some, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.workers.audit.builders import Sent


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIT_LOG_PATH", str(tmp_path / "audit.log"))
    monkeypatch.delenv("AUDIT_DATABASE_URL", raising=False)
    return tmp_path / "audit.log"


def asked(capfdbinary: pytest.CaptureFixture[bytes], *words: str) -> list[str]:
    assert main(["audit", "query", *words]) == 0
    return [json.loads(line)["event_id"] for line in capfdbinary.readouterr().out.splitlines()]


def at(time: str, offset: int = 0) -> Sent:
    return incoming(offset, occurred_at=time)


def test_a_whole_log_ends_with_0_and_its_chains(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, some(range(3)))
    assert main(["audit", "verify"]) == 0
    told = capsys.readouterr().out
    assert told == "The audit log is whole: 3 entries are sound (task-events[0] to sequence 3)\n"


def test_a_damaged_log_ends_with_1_and_the_place(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, some(range(2)), some(range(2, 3)))
    path.write_bytes(path.read_bytes().replace(b'"sequence":2', b'"sequence":7', 1))
    assert main(["audit", "verify", f"--log={path}"]) == 1
    told = capsys.readouterr().out
    assert "damaged at segment 1, line 3 (next: task-events[0] sequence 2)" in told
    assert "1 entries are sound (task-events[0] to sequence 1)" in told


def test_a_log_that_is_not_there_ends_with_2(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "query", f"--log={path.parent / 'missing' / 'audit.log'}"]) == 2
    assert "can't be read" in capsys.readouterr().err


def test_entries_are_found_by_task_and_type(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    first, second = incoming(0, event_type="task.created"), incoming(1, event_type="user.invited")
    written(path, [first, second])
    task = json.loads(first.value)["data"]["task_id"]
    assert asked(capfdbinary) == [first.event_id, second.event_id]
    assert asked(capfdbinary, f"--task={task}") == [first.event_id]
    assert asked(capfdbinary, "--type=user.invited") == [second.event_id]
    assert asked(capfdbinary, f"--task={task}", "--type=user.invited") == []


def test_entries_are_found_by_the_event_s_own_time(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    early, late = at("2026-01-15T10:00:00Z"), at("2026-01-15T13:00:00+02:00", 1)
    unknown = at("yesterday", 2)
    written(path, [early, late, unknown])
    assert asked(capfdbinary, "--since=2026-01-15T10:30") == [late.event_id]
    assert asked(capfdbinary, "--until=2026-01-15T11:00:00Z") == [early.event_id]


def test_a_span_of_time_has_its_begin_and_not_its_end(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    early, late = at("2026-01-15T10:00:00Z"), at("2026-01-15T11:00:00Z", 1)
    written(path, [early, late])
    assert asked(capfdbinary, "--since=2026-01-15T10:00", "--until=2026-01-15T11:00") == [early.event_id]


def test_a_wrong_time_is_a_wrong_question(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, some(range(1)))
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "query", "--since=soon"])
    assert "--since" in capsys.readouterr().err


def test_damaged_lines_hide_no_others(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    events = some(range(3))
    written(path, events)
    path.write_bytes(path.read_bytes().replace(f'{{"event_id":"{events[1].event_id}'.encode(), b"\xff"))
    assert asked(capfdbinary) == [events[0].event_id, events[2].event_id]


def test_a_damaged_segment_hides_no_later_one_and_is_told(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    events = some(range(4))
    written(path, events[:1])
    written(path, *[[one] for one in events[1:]], segment_bytes=1)
    flip(packed(path))
    assert main(["audit", "query"]) == 1
    told = capfdbinary.readouterr()
    assert [json.loads(line)["event_id"] for line in told.out.splitlines()][-3:] == ids_of(events[1:])
    assert b"Segment 1 is damaged" in told.err


def test_a_log_on_a_volume_is_not_shortened_by_hand(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, some(range(1)))
    assert main(["audit", "remove", "--keep-days=1"]) == 2
    assert "AUDIT_RETENTION_DAYS tells the worker" in capsys.readouterr().err


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_entries_are_kept_for_a_day_at_least(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "remove", f"--keep-days={days}"])
    assert "--keep-days" in capsys.readouterr().err


def test_a_log_whose_beginning_went_is_told_by_what_is_left(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = opened(path, segment_bytes=1, retention=timedelta(0))
    for one in some(range(5)):
        append(log, [one])
    eventually("the first segments went", lambda: Files(path).oldest(), until=(4).__eq__, every=0.01)
    log.close()
    assert main(["audit", "verify"]) == 0
    assert "[0] from sequence 3 to 5); what came before, retention removed\n" in capsys.readouterr().out
