"""What is committed is never behind an event that is not done, whatever the order they finish in."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.watermark import Place, Watermark, first_places, last_places
from tests.support.records import record

if TYPE_CHECKING:
    from random import Random

offsets = st.lists(st.integers(0, 60), unique=True).map(sorted)


def test_before_anything_was_read_there_is_nothing_to_commit() -> None:
    assert Watermark().low() is None


@given(offsets, st.randoms(use_true_random=False))
def test_the_low_watermark_is_the_first_unfinished_offset(taken: list[int], random: Random) -> None:
    mark = Watermark()
    for offset in taken:
        mark.take(offset)
    mark.reach(100)
    unfinished = set(taken)
    for offset in random.sample(taken, len(taken)):
        assert mark.low() == min(unfinished)
        mark.finish(offset)
        unfinished.discard(offset)
    assert mark.low() == 100


def test_what_is_finished_behind_an_open_offset_takes_no_memory() -> None:
    mark = Watermark()
    mark.take(0)
    tracemalloc.start()
    for offset in range(1, 20_000):
        mark.take(offset)
        mark.finish(offset)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mark.low() == 0
    assert grown < 10_000


def test_offsets_that_need_no_work_are_passed_over() -> None:
    mark = Watermark()
    mark.reach(3)
    mark.take(3)
    mark.reach(9)
    assert mark.low() == 3
    mark.finish(3)
    assert mark.low() == 9


def test_each_partition_stands_behind_its_last_record() -> None:
    records = [
        record(b"a", partition=0, offset=4),
        record(b"b", partition=2, offset=9),
        record(b"c", partition=0, offset=6),
    ]
    assert sorted(last_places(records)) == [Place(0, 7), Place(2, 10)]


def test_each_partition_begins_at_its_first_record_wherever_that_lies_in_a_batch() -> None:
    records = [
        record(b"a", partition=0, offset=4),
        record(b"b", partition=2, offset=9),
        record(b"c", partition=2, offset=10),
        record(b"d", partition=1, offset=7),
    ]
    assert first_places(records, known=[1]) == [Place(0, 4), Place(2, 9)]
    assert first_places(records, known=[0, 1, 2]) == []
