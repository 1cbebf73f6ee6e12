"""The audit log keeps each event once and whole, whatever happened to its last writer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit import log as audit_log
from eventconsumer_workers.audit.chain import is_checkpoint
from eventconsumer_workers.audit.files import Files, compress, contents
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.audit.verify import verify
from tests.support.events import event
from tests.support.eventually import eventually
from tests.unit.workers.audit.builders import (
    WINDOW,
    append,
    entries,
    flip,
    ids,
    ids_of,
    incoming,
    opened,
    packed,
    some,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_an_entry_is_the_event_as_received_with_its_place_in_the_chain(path: Path) -> None:
    sent = incoming(7, partition=2, schema_version=2)
    written(path, [sent])
    (entry,) = entries(path)
    names = ["event_id", "sequence", "topic", "partition", "offset", "audited_at", "event"]
    assert list(entry) == [*names, "previous_hash", "hash"]
    assert (entry["sequence"], entry["partition"], entry["offset"]) == (1, 2, 7)
    assert (entry["event"], entry["previous_hash"]) == (json.loads(sent.value), "0" * 64)
    assert sent.value in path.read_bytes()


def test_each_partition_has_a_chain_of_its_own(path: Path) -> None:
    written(path, [incoming(5, partition=1), incoming(9, partition=0), incoming(6, partition=1)])
    by_place = {(entry["partition"], entry["sequence"]): entry for entry in entries(path)}
    assert by_place.keys() == {(1, 1), (1, 2), (0, 1)}
    assert by_place[1, 2]["previous_hash"] == by_place[1, 1]["hash"]


def test_a_message_that_is_delivered_again_is_there_once(path: Path) -> None:
    events = some(range(4))
    assert written(path, events[:3], events) == events
    assert written(path, events) == []
    assert ids(path) == ids_of(events)


@pytest.mark.parametrize(("first", "again"), [(None, None), ("an id", "an id"), ("an id", None)])
def test_a_message_that_is_delivered_again_after_the_window_has_forgotten_it_is_there_once(
    path: Path, first: str | None, again: str | None
) -> None:
    events = some(range(4 * WINDOW))
    log = opened(path)
    for at in range(0, len(events), WINDOW):
        append(log, events[at : at + WINDOW], first)
    new = incoming(len(events))
    assert append(log, [*events, new], again) == [new]
    log.close()
    assert ids(path) == ids_of([*events, new])


def test_an_event_that_is_published_again_is_there_once(path: Path) -> None:
    first = incoming(0)
    again = first._replace(offset=1, partition=3)
    assert written(path, [first, first._replace(offset=1)], [first._replace(offset=2)]) == [first]
    assert written(path, [again]) == []


def test_the_window_outlives_restarts_and_closed_segments(path: Path) -> None:
    events = some(range(WINDOW))
    written(path, *[[one] for one in events], segment_bytes=1500)
    again = [one._replace(offset=100 + one.offset) for one in events]
    assert written(path, again) == []


def test_beside_each_closed_segment_are_the_ids_of_its_own_events(path: Path) -> None:
    events = some(range(4))
    written(path, *[[one] for one in events], segment_bytes=1)
    files = Files(path)
    kept = [json.loads(files.ids(number).read_bytes().splitlines()[1]) for number in files.with_ids()[1:]]
    assert kept == [[one.event_id] for one in events[:3]]


def test_the_window_is_made_anew_where_its_files_are_damaged(path: Path) -> None:
    events = some(range(WINDOW))
    written(path, *[[one] for one in events], segment_bytes=1500)
    for kept in path.parent.glob("*.ids"):
        kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert written(path, [one._replace(offset=100 + one.offset) for one in events]) == []


@pytest.mark.parametrize("first", [b"", b"?\n", b"%b many\n", b"%b 99\n"])
def test_a_file_of_ids_with_a_damaged_first_line_stops_nothing_and_costs_no_other_ids(
    path: Path, first: bytes
) -> None:
    written(path, *[[one] for one in some(range(4))], segment_bytes=1)
    files = Files(path)
    latest = files.ids(files.with_ids()[-1])
    line, _, lines = latest.read_bytes().partition(b"\n")
    latest.write_bytes(first.replace(b"%b", line.split()[0]) + (lines if first else b""))
    before = files.with_ids()
    new = some(range(4, 5))
    assert written(path, new, segment_bytes=1) == new
    assert files.with_ids() == [*before, len(before) + 1]


def test_files_of_ids_whose_number_was_not_part_of_their_hash_are_read_as_before(path: Path) -> None:
    events = some(range(2))
    written(path, events)
    written(path, some(range(2, 3)), segment_bytes=1)
    kept = Files(path).ids(1)
    _, _, lines = kept.read_bytes().partition(b"\n")
    kept.write_bytes(b"%b 2\n%b" % (hashlib.sha256(lines).hexdigest().encode(), lines))
    flip(packed(path))
    assert written(path, [one._replace(offset=100 + one.offset) for one in events]) == []


def test_a_damaged_segment_without_a_file_of_ids_stops_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, *[[one] for one in some(range(2))], segment_bytes=1)
    flip(packed(path))
    Files(path).ids(1).unlink()
    new = some(range(2, 3))
    assert written(path, new) == new
    assert "Segment 1 is damaged" in caplog.text


def test_ids_that_the_window_no_longer_reaches_are_deleted(path: Path) -> None:
    written(path, *[[one] for one in some(range(6 * WINDOW))], segment_bytes=1500)
    assert 0 < len(list(path.parent.glob("*.ids"))) <= 2 * WINDOW + 1


def test_a_restart_knows_where_each_partition_goes_on(path: Path) -> None:
    written(path, [*some(range(3)), *some(range(10, 12), partition=1)])
    log = opened(path)
    assert [log.next_offset(partition, None) for partition in (0, 1, 2)] == [3, 12, None]
    assert (len(log), log.lost_its_end) == (5, False)
    log.close()


@pytest.mark.parametrize("segment_bytes", [1, 1 << 20], ids=["in another segment", "in the same segment"])
def test_a_restart_knows_where_a_partition_goes_on_that_was_quiet_for_a_while(
    path: Path, segment_bytes: int
) -> None:
    quiet = incoming(6, partition=1)
    written(path, [quiet], *[[one] for one in some(range(3))], segment_bytes=segment_bytes)
    log = opened(path)
    assert [log.next_offset(partition, None) for partition in (0, 1)] == [3, 7]
    assert len(append(log, [quiet, incoming(7, partition=1)])) == 1
    log.close()
    assert verify(Files(path)).chains == {"task-events[0]": 3, "task-events[1]": 2}
    assert verify(Files(path)).fault is None


def test_a_later_topic_of_the_same_name_starts_at_its_first_message_in_the_same_chain(path: Path) -> None:
    log = opened(path)
    append(log, some(range(3)), "the first topic")
    assert log.next_offset(0, "the second topic") is None
    assert len(append(log, some(range(2)), "the second topic")) == 2
    assert (log.next_offset(0, "the second topic"), len(log)) == (2, 5)
    log.close()
    assert verify(Files(path)).fault is None


def test_ids_of_any_characters_stand_as_they_are_in_lines_that_verify(path: Path) -> None:
    names = ['a",', "b", '","', '\\",', "c\\", '"', "\n"]
    sent = [incoming(offset, event_id=name) for offset, name in enumerate(names)]
    assert written(path, sent) == sent
    assert ids(path) == names
    assert verify(Files(path)).fault is None


def test_a_pretty_printed_event_is_one_line(path: Path) -> None:
    written(path, [incoming(0, indent=2, title="two\nlines"), incoming(1)])
    assert [entry["event"]["data"]["title"] for entry in entries(path)] == ["two\nlines", "Write the report"]


def test_a_second_writer_is_refused_with_the_reason(path: Path) -> None:
    first = opened(path)
    with pytest.raises(AuditLogError, match="another process writes the audit log"):
        opened(path)
    first.close()
    opened(path).close()


def test_a_disk_that_refuses_while_a_log_is_opened_leaves_no_lock_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            opened(path)
    opened(path).close()


def test_what_an_interrupted_step_left_behind_goes(path: Path) -> None:
    events = some(range(2))
    written(path, *[[one] for one in events], segment_bytes=1)
    segment = Files(path).closed()[0]
    with contents(segment) as content:
        whole = content.read()
    segment.path.unlink()
    Files(path).plain(1).write_bytes(whole)
    Files(path).place(Files(path).compressed(1), compress(Files(path).plain(1)))
    half_done = path.with_name(f"{path.name}.000009.zst.new")
    half_done.write_bytes(b"half")
    opened(path).close()
    assert (half_done.exists(), Files(path).plain(1).exists()) == (False, False)
    assert ids(path) == ids_of(events)


def test_a_log_in_a_missing_folder_is_an_obstacle_that_may_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "missing" / "audit.log")


def test_a_log_that_someone_cut_or_deleted_takes_no_more_events(path: Path) -> None:
    log = opened(path)
    append(log, some(range(1)))
    whole = path.read_bytes()
    os.truncate(path, 10)
    with pytest.raises(OSError, match="someone cut it"):
        append(log, some(range(1, 2)))
    path.unlink()
    path.write_bytes(whole)
    with pytest.raises(OSError, match="someone deleted or replaced"):
        append(log, some(range(1, 2)))
    log.close()


def test_a_restart_goes_on_from_a_checkpoint_that_names_all_chains(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_FULL_CHECKPOINT_BYTES", 2000)
    quiet, events = incoming(6, partition=1), some(range(9))
    written(path, [quiet], *[[one] for one in events])
    full = [one for one in path.read_bytes().splitlines() if is_checkpoint(one) and b'"full":true' in one]
    assert len(full) > 2
    log = opened(path)
    assert [log.next_offset(partition, None) for partition in (0, 1)] == [9, 7]
    assert append(log, [quiet, *events]) == []
    log.close()
    assert verify(Files(path)).fault is None


def test_a_killed_writer_gives_back_its_lock(path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from eventconsumer_workers.audit.log import AuditLog\n"
        "log = AuditLog(pathlib.Path(sys.argv[1]), 'task-events')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    opened(path).close()


def test_closed_segments_are_compressed_and_read_as_before(path: Path) -> None:
    events = some(range(30))
    log = opened(path, segment_bytes=4000)
    for one in events:
        append(log, [one])
    eventually(
        "all closed segments are compressed",
        lambda: [segment.compressed for segment in Files(path).closed()],
        until=lambda found: len(found) > 3 and all(found),
        every=0.01,
    )
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)) == (30, {"task-events[0]": 30}, {}, None)


def plain(path: Path, count: int) -> list[str]:
    """Write a log of the format without chains, with a torn last line."""
    events = [event() for _ in range(count)]
    path.write_text(
        "".join(f"{json.dumps({**one, 'audited_at': 'then'})}\n" for one in ordered(events)) + "{"
    )
    return [one["event_id"] for one in events]


def ordered(events: list[dict[str, object]]) -> list[dict[str, object]]:
    names = ("event_id", "event_type", "occurred_at", "data", "metadata")
    return [{name: one[name] for name in names} for one in events]


def test_a_log_without_chains_is_taken_over_and_none_of_its_events_comes_twice(path: Path) -> None:
    old = plain(path, 5)
    known = incoming(0)._replace(event_id=old[3])
    new = incoming(1)
    assert written(path, [known, new]) == [new]
    assert ids(path) == [*old, new.event_id]
    assert verify(Files(path)).fault is None


def test_a_log_of_nothing_but_a_torn_line_is_begun_anew(path: Path) -> None:
    path.write_bytes(b'{"event_id":"')
    (new,) = written(path, some(range(1)))
    assert ids(path) == [new.event_id]
    assert verify(Files(path)).fault is None


def test_a_log_whose_first_line_is_damaged_is_not_taken_for_one_without_chains(path: Path) -> None:
    written(path, some(range(2)))
    path.write_bytes(b"[" + path.read_bytes()[1:])
    with pytest.raises(AuditLogError, match="is damaged"):
        opened(path)


def test_a_log_without_chains_is_verified_as_it_was_taken_over(path: Path) -> None:
    plain(path, 5)
    written(path, some(range(1)))
    (segment,) = Files(path).closed()
    with contents(segment) as content:
        changed = content.read().replace(b"then", b"when")
    segment.path.unlink(missing_ok=True)
    Files(path).plain(1).write_bytes(changed)
    assert "not the one that was taken over" in str(verify(Files(path)).fault)
