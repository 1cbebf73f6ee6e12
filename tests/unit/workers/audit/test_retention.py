"""A log lets go of its oldest segments, says so itself, and forgets nothing that it goes on from."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit import group
from eventconsumer_workers.audit import verify as verification
from eventconsumer_workers.audit.chain import START, Checkpoint, Removed
from eventconsumer_workers.audit.chain import opened as opened_line
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.group import header
from eventconsumer_workers.audit.retention import Beginning, removable
from eventconsumer_workers.audit.verify import verify
from tests.support.eventually import eventually
from tests.unit.workers.audit.builders import WINDOW, append, flip, ids, ids_of, opened, packed, some, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.workers.audit.builders import Sent


DAY = timedelta(days=1)
NOW = datetime(2026, 6, 30, tzinfo=UTC)
AT_ONCE = timedelta(0)


def written_at(monkeypatch: pytest.MonkeyPatch, time: datetime) -> None:
    """Let what is written from now on carry this time."""
    monkeypatch.setattr(group, "now", time.isoformat)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Beginning]:
    """Return segments that were begun 40, 30, 20 and 10 days ago."""
    found = []
    for number, days in enumerate((40, 30, 20, 10), start=1):
        written_at(monkeypatch, NOW - days * DAY)
        found.append(Beginning(number, header(number, {}, f"hash {number - 1}")[0], has_ids=True))
    return found


def test_what_was_closed_before_a_time_goes_with_the_hash_that_the_rest_goes_on_from(
    closed: list[Beginning],
) -> None:
    before = NOW - 15 * DAY
    assert removable(closed, before) == Removed(2, "hash 2", before.isoformat())


@pytest.mark.parametrize(("days", "gone"), [(41, None), (31, None), (30, 1), (10, 3), (0, 3)])
def test_a_segment_is_as_old_as_its_successor_and_the_latest_one_stays(
    closed: list[Beginning], days: int, gone: int | None
) -> None:
    found = removable(closed, NOW - days * DAY)
    assert (found and found.segment) == gone


def test_nothing_goes_of_a_log_without_closed_segments() -> None:
    assert removable([], NOW) is None


@pytest.mark.parametrize("damage", [b"{", b'{"event_id":"x"}\n'])
def test_nothing_goes_from_a_damaged_segment_on(closed: list[Beginning], damage: bytes) -> None:
    closed[2] = closed[2]._replace(line=damage)
    found = removable(closed, NOW)
    assert found is not None
    assert found.segment == 1


def test_a_damaged_segment_itself_does_not_go(closed: list[Beginning]) -> None:
    closed[0] = closed[0]._replace(line=b"")
    assert removable(closed, NOW) is None


def test_a_first_line_without_a_time_keeps_what_is_before_it(
    closed: list[Beginning], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "now", lambda: "soon")
    closed[1] = closed[1]._replace(line=header(2, {}, START.decode())[0])
    assert removable(closed, NOW) is None


@pytest.mark.parametrize(("has_ids", "gone"), [(True, None), (False, 3)])
def test_a_log_without_chains_stays_while_the_window_may_need_its_ids(
    closed: list[Beginning], *, has_ids: bool, gone: int | None
) -> None:
    closed[0] = closed[0]._replace(line=b'{"event_id":"x"}\n', has_ids=False)
    closed[1] = closed[1]._replace(has_ids=has_ids)
    found = removable(closed, NOW)
    assert (found and found.segment) == gone


def test_without_a_retention_everything_stays(path: Path) -> None:
    written(path, *[[one] for one in some(range(9))], segment_bytes=1)
    assert [segment.number for segment in Files(path).closed()] == list(range(1, 10))


def test_a_log_whose_beginning_was_removed_is_whole_and_says_where_it_begins(path: Path) -> None:
    events = some(range(9))
    written(path, *[[one] for one in events], segment_bytes=1)
    shortened(path, some(range(9, 10)))
    assert Files(path).oldest() == 9
    found = verify(Files(path))
    assert (found.fault, found.entries) == (None, 3)
    assert (found.begins, found.chains) == ({"task-events[0]": 8}, {"task-events[0]": 10})


def shortened(path: Path, events: list[Sent]) -> None:
    """Append events to a log that keeps nothing but the latest closed segment."""
    log = opened(path, segment_bytes=1, retention=AT_ONCE)
    append(log, events)
    expected = log._number - 2
    eventually("the old segments are gone", lambda: Files(path).oldest() == expected, every=0.01)
    log.close()


def test_more_missing_than_the_log_says_is_found(path: Path) -> None:
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    shortened(path, some(range(5, 6)))
    written(path, some(range(6, 7)), segment_bytes=1)
    Files(path).closed()[0].path.unlink()
    assert str(verify(Files(path)).fault).startswith("segment 5: it is missing")


def test_a_segment_that_is_damaged_on_disk_stays_and_stops_no_rotation(path: Path) -> None:
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    flip(packed(path))
    new = some(range(5, 6))
    assert written(path, new, segment_bytes=1, retention=AT_ONCE) == new
    assert b'"removed"' not in path.read_bytes()


@pytest.mark.parametrize(("gone", "removed"), [([1, 2, 3], None), ([4], 2), ([1], None)])
def test_what_someone_deleted_is_not_said_to_be_removed_by_retention(
    path: Path, gone: list[int], removed: int | None
) -> None:
    written(path, *[[one] for one in some(range(8))], segment_bytes=1)
    for number in gone:
        Files(path).plain(number).unlink(missing_ok=True)
        Files(path).compressed(number).unlink(missing_ok=True)
    written(path, some(range(8, 9)), segment_bytes=1, retention=AT_ONCE)
    found = opened_line(path.read_bytes().splitlines(keepends=True)[0])
    assert isinstance(found, Checkpoint)
    assert (found.removed and found.removed.segment) == removed
    assert verify(Files(path)).fault is not None


def test_retention_goes_on_from_what_it_removed_however_long_ago_that_was(path: Path) -> None:
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    shortened(path, some(range(5, 6)))
    written(path, *[[one] for one in some(range(6, 9))], segment_bytes=1)
    shortened(path, some(range(9, 10)))
    assert verify(Files(path)).fault is None


def test_a_segment_that_was_put_back_is_verified_again(path: Path) -> None:
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    kept = {segment.path: segment.path.read_bytes() for segment in Files(path).closed()}
    shortened(path, some(range(5, 6)))
    for place, content in kept.items():
        place.write_bytes(content)
    found = verify(Files(path))
    assert (found.fault, found.entries, found.begins) == (None, 6, {})


def test_a_restart_goes_on_after_the_removed_and_knows_their_ids(path: Path) -> None:
    events = some(range(WINDOW))
    written(path, *[[one] for one in events[:-1]], segment_bytes=1)
    shortened(path, events[-1:])
    again = [one._replace(offset=100 + one.offset) for one in events]
    assert written(path, events, again) == []
    assert ids(path) == ids_of(events[-3:])


def test_ids_of_removed_segments_go_when_the_window_no_longer_reaches_back_to_them(path: Path) -> None:
    written(path, *[[one] for one in some(range(6 * WINDOW))], segment_bytes=1, retention=AT_ONCE)
    assert 0 < len(Files(path).with_ids()) <= 2 * WINDOW + 1


def test_damaged_ids_of_a_removed_segment_are_told_and_stop_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, *[[one] for one in some(range(4))], segment_bytes=1)
    shortened(path, some(range(4, 5)))
    Files(path).ids(1).write_bytes(b"? 1\n")
    new = some(range(5, 6))
    assert written(path, new) == new
    assert "the ids in" in caplog.text.lower()


@pytest.mark.parametrize(("retention", "closed"), [(None, 0), (30 * DAY, 1)])
def test_a_segment_is_closed_after_a_day_where_a_retention_waits_for_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, retention: timedelta | None, closed: int
) -> None:
    written_at(monkeypatch, datetime.now(UTC) - 2 * DAY)
    written(path, some(range(1)))
    written_at(monkeypatch, datetime.now(UTC))
    written(path, some(range(1, 2)), some(range(2, 3)), retention=retention)
    assert len(Files(path).closed()) == closed
    assert verify(Files(path)).fault is None


def test_a_worker_that_dies_before_it_deleted_does_so_at_the_next_rotation(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", lambda *_, **__: None)
        written(path, some(range(5, 6)), segment_bytes=1, retention=AT_ONCE)
    assert Files(path).oldest() == 1
    assert (verify(Files(path)).fault, verify(Files(path)).begins) == (None, {})
    shortened(path, some(range(6, 7)))
    assert verify(Files(path)).fault is None


def test_a_log_that_is_shortened_while_it_is_verified_is_gone_through_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_LINES_BEFORE_REST", 1)
    written(path, *[[one] for one in some(range(5))], segment_bytes=1)
    begun = iter([True])

    def rest() -> None:
        if next(begun, False):
            shortened(path, some(range(5, 6)))

    found = verify(Files(path), rest=rest)
    assert (found.fault, found.begins) == (None, {"task-events[0]": 4})
