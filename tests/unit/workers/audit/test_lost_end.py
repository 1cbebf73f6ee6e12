"""A log whose end was torn or damaged: what was lost is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.audit.verify import verify
from tests.unit.workers.audit.builders import append, ids, ids_of, incoming, opened, some, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "kept", [0, 1, 700, -400], ids=["nothing", "one byte", "whole lines", "all but the checkpoint"]
)
def test_a_torn_group_is_cut_and_its_events_are_taken_again(path: Path, kept: int) -> None:
    first, second = incoming(0), some(range(1, 3))
    written(path, [first])
    whole = path.read_bytes()
    written(path, second)
    torn = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + torn[:kept])
    log = opened(path)
    assert (log.next_offset(0, None), log.lost_its_end) == (1, False)
    assert append(log, second) == second
    log.close()
    assert ids(path) == ids_of([first, *second])
    assert verify(Files(path)).fault is None


def test_damage_in_the_last_group_is_set_aside_and_read_again(path: Path) -> None:
    first, second = incoming(0), incoming(1)
    written(path, [first], [second])
    path.write_bytes(path.read_bytes().replace(second.event_id.encode(), b"x" * 36))
    log = opened(path)
    assert (log.next_offset(0, None), log.lost_its_end) == (1, True)
    assert append(log, [second]) == [second]
    log.close()
    (kept,) = path.parent.glob("audit.log.cut-*")
    assert b"x" * 36 in kept.read_bytes()
    assert verify(Files(path)).fault is None


@pytest.mark.parametrize("end", [b"", b"?"], ids=["torn", "flipped"])
def test_a_group_whose_very_end_is_not_there_is_set_aside_and_read_again(path: Path, end: bytes) -> None:
    first, second = incoming(0), incoming(1)
    written(path, [first], [second])
    path.write_bytes(path.read_bytes()[:-1] + end)
    opened(path).close()
    (kept,) = path.parent.glob("audit.log.cut-*")
    assert second.event_id.encode() in kept.read_bytes()
    log = opened(path)
    assert log.next_offsets([0], lambda _: {0: 2}) == {0: 1}
    assert append(log, [second]) == [second]
    log.close()
    assert ids(path) == ids_of([first, second])
    assert verify(Files(path)).fault is None


def test_a_note_of_what_is_to_be_read_again_that_is_damaged_stands_for_every_partition(path: Path) -> None:
    written(path, [incoming(0), incoming(0, partition=1)])
    Files(path).again.write_bytes(b"[0")
    log = opened(path)
    assert log.next_offsets([0, 1], lambda _: {0: 2, 1: 1}) == {0: 1}
    log.close()


def test_a_group_that_was_never_acknowledged_is_not_asked_for_again(path: Path) -> None:
    first, second = incoming(0), incoming(1)
    written(path, [first], [second])
    path.write_bytes(path.read_bytes()[:-1])
    log = opened(path)
    assert log.next_offsets([0], lambda _: {0: 1}) == {}
    log.close()
    log = opened(path)
    assert log.lost_its_end is False
    log.close()


def test_an_end_that_was_lost_is_asked_for_at_each_start_until_the_log_has_caught_up_with_kafka(
    path: Path,
) -> None:
    events = some(range(4))
    written(path, events[:1], events[1:])
    path.write_bytes(path.read_bytes().replace(events[2].event_id.encode(), b"x" * 36))
    opened(path).close()
    log = opened(path)
    assert log.next_offsets([0, 1], lambda lost: dict.fromkeys(lost, 4)) == {0: 1}
    append(log, events[1:3])
    log.close()
    log = opened(path)
    assert log.next_offsets([0], lambda _: {0: 4}) == {0: 3}
    append(log, events[3:])
    log.close()
    log = opened(path)
    assert (log.next_offsets([0], lambda _: {0: 9}), log.lost_its_end) == ({}, False)
    log.close()


def test_an_end_is_not_missed_where_kafka_has_nothing_committed_behind_the_log(path: Path) -> None:
    first, second = incoming(0), incoming(1)
    written(path, [first, incoming(0, partition=1)], [second])
    path.write_bytes(path.read_bytes().replace(second.event_id.encode(), b"x" * 36))
    log = opened(path)
    assert log.next_offsets([0, 1], lambda _: {0: 1}) == {1: 1}
    log.close()
    log = opened(path)
    assert log.next_offsets([0, 1], lambda _: {1: 5}) == {1: 1}
    log.close()


def test_an_entry_that_is_as_it_was_written_is_never_damage_at_the_end(path: Path) -> None:
    first, second = incoming(0), incoming(1)
    unread = second.value[:-1] + b',"labels":' + b"[" * 9000 + b"]" * 9000 + b"}"
    written(path, [first], [second._replace(value=unread)])
    whole = path.read_bytes()
    log = opened(path)
    assert (log.next_offset(0, None), log.lost_its_end) == (2, False)
    log.close()
    assert path.read_bytes() == whole


def test_damage_in_an_earlier_group_stays_for_verification_and_hides_nothing(path: Path) -> None:
    events = some(range(3))
    written(path, *[[one] for one in events])
    path.write_bytes(path.read_bytes().replace(events[1].event_id.encode(), b"x" * 36))
    log = opened(path)
    assert (log.next_offset(0, None), log.lost_its_end) == (3, False)
    log.close()
    assert "sequence 2" in str(verify(Files(path)).fault)


def test_a_log_without_a_first_line_is_refused_with_the_reason(path: Path) -> None:
    written(path, some(range(2)))
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(AuditLogError, match="is damaged"):
        opened(path)


def test_an_end_that_was_lost_is_not_missed_in_another_topic(path: Path) -> None:
    events = some(range(2))
    written(path, [incoming(0, partition=1)], events[:1], events[1:])
    path.write_bytes(path.read_bytes().replace(events[1].event_id.encode(), b"x" * 36))
    log = opened(path)
    assert log.next_offsets([1], lambda _: {1: 1}) == {}
    log.close()
    log = opened(path, topic="another-topic")
    assert log.next_offsets([0], lambda _: {0: 4}) == {}
    log.close()
    log = opened(path)
    assert log.next_offsets([0], lambda _: {0: 2}) == {0: 1}
    log.close()
