"""Groups of lines on their way to the disk: of several batches, and none of what could not be written."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.chain import Unsure
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.verify import verify
from tests.unit.workers.audit.builders import append, columns, ids, ids_of, incoming, opened, some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eventconsumer_workers.audit.chain import Begun


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Have room for 500 bytes behind the log."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_full_disk_loses_nothing_and_the_next_attempt_repairs_the_log(path: Path) -> None:
    events = some(range(3))
    log = opened(path)
    append(log, events[:1])
    with full_disk(path), pytest.raises(OSError, match="File too large"):
        append(log, events)
    assert append(log, events) == events[1:]
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def test_a_group_that_was_made_on_top_of_one_that_failed_goes_with_it(path: Path) -> None:
    events = some(range(4))
    log = opened(path)
    append(log, events[:1])
    with full_disk(path):
        failed = log.append(columns(events[1:3]), None, lambda: True)
        on_top = log.append(columns(events[3:]), None, lambda: True)
        for begun in (failed, on_top):
            with pytest.raises(OSError, match=r"File too large|on top of what could not"):
                begun.settle()
    assert append(log, events) == events[1:]
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def test_an_event_that_is_published_again_while_it_is_being_written_is_there_once(path: Path) -> None:
    event = incoming(0)
    log = opened(path)
    log.append(columns([event]), None, lambda: True)
    assert append(log, [event._replace(offset=1, partition=1), event]) == []
    log.close()
    assert ids(path) == ids_of([event])


def test_nothing_is_begun_for_who_became_unsure_while_the_group_before_was_written(path: Path) -> None:
    log = opened(path)
    log.append(columns(some(range(1))), None, lambda: True)
    with pytest.raises(Unsure):
        log.append(columns(some(range(1, 2))), None, lambda: False).settle()
    assert len(log) == 1
    log.close()


def test_batches_that_come_while_a_group_is_written_are_the_next_group(path: Path) -> None:
    events = some(range(40))
    log = opened(path)
    begun = [log.append(columns([event]), None, lambda: True) for event in events]
    for one in begun:
        one.settle()
    assert all(one.ended() for one in begun)
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None
    assert path.read_bytes().count(b'"checkpoint":') < len(events)


def test_what_waits_for_the_disk_is_not_written_for_partitions_that_are_lost(path: Path) -> None:
    events = some(range(3))
    log = opened(path)
    first, *waiting = [log.append(columns([event]), None, lambda: True) for event in events]
    log.forget([0])
    first.settle()
    there = [event for event, begun in zip(events[1:], waiting, strict=True) if on_disk(begun)]
    assert append(log, events) == [event for event in events[1:] if event not in there]
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def on_disk(begun: Begun) -> bool:
    """Tell whether events reached the disk: those whose writing had not begun may be dropped."""
    try:
        begun.settle()
    except OSError:
        return False
    return True


def test_what_a_failed_write_left_behind_is_no_part_of_a_closed_segment(path: Path) -> None:
    events = some(range(8))
    log = opened(path, segment_bytes=1)
    append(log, events[:1])
    with full_disk(path):
        failed = log.append(columns(events[1:]), None, lambda: True)
        with pytest.raises(OSError, match="File too large"):
            failed.settle()
    append(log, events)
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def test_a_segment_is_closed_behind_the_group_that_is_being_written(path: Path) -> None:
    events = some(range(3))
    log = opened(path, segment_bytes=1)
    for one in events[:2]:
        log.append(columns([one]), None, lambda: True)
    assert append(log, events) == events[2:]
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def test_a_topic_that_is_made_anew_while_a_group_is_open_begins_again_in_it(path: Path) -> None:
    events = some(range(3))
    log = opened(path)
    begun = [
        log.append(columns([event._replace(offset=offset)]), topic_id, lambda: True)
        for event, offset, topic_id in zip(events, (5, 6, 0), ("first", "first", "second"), strict=True)
    ]
    for one in begun:
        one.settle()
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None
