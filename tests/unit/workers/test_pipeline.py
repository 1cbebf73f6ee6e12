"""The thread beside the loop: order and progress hold, and what is not done is never passed over."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.metrics import Metrics
from eventconsumer_workers.pipeline import Pipeline
from eventconsumer_workers.sorting import sort
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.records import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from eventconsumer_workers.handlers import Batch
    from eventconsumer_workers.sorting import Sorted
    from eventconsumer_workers.watermark import Place


class Disk:
    """A handler whose work takes until it is let through; it refuses while ``full``."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Event()
        self.full = False
        self.broken = False
        self.written: list[tuple[int, int]] = []
        self.calls: list[str] = []

    def handle(self, batch: Batch) -> None:
        self.begun.set()
        assert self.open.wait(30)
        if self.broken:
            raise ZeroDivisionError("a mistake")
        if self.full:
            raise NotDone("the disk is full")
        self.written += [(one.partition() or 0, one.offset() or 0) for one in batch.records]
        self.calls.append(f"handled {len(batch.events)}")

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        self.calls.append(f"assigned {sorted(partitions)}")
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        self.calls.append(f"revoked {sorted(partitions)}")

    def lost(self, partitions: Collection[int]) -> None:
        self.calls.append(f"lost {sorted(partitions)}")

    def close(self) -> None:
        pass


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def pipeline(disk: Disk) -> Iterator[Pipeline]:
    made = Pipeline(disk, Metrics(CollectorRegistry()), lambda: True)
    yield made
    disk.open.set()
    made.finish()


def messages(offsets: Collection[int], *, partition: int = 0) -> Sorted:
    return sort([record(encoded(), partition=partition, offset=number) for number in offsets], frozenset())


def held(pipeline: Pipeline, disk: Disk, first: Sorted) -> None:
    """Let the handler begin with a batch and hang in it."""
    disk.open.clear()
    disk.begun.clear()
    pipeline.take(first)
    assert disk.begun.wait(30)


def done(pipeline: Pipeline) -> dict[int, int]:
    eventually("it rests", lambda: not pipeline.busy, every=0.001)
    return places(pipeline.progress())


def places(found: list[Place]) -> dict[int, int]:
    return {place.partition: place.offset for place in found}


def test_progress_moves_when_the_handler_has_returned_and_not_before(pipeline: Pipeline, disk: Disk) -> None:
    held(pipeline, disk, messages([0, 1]))
    assert pipeline.progress() == []
    disk.open.set()
    assert done(pipeline) == {0: 2}
    assert pipeline.progress() == []


def test_what_queued_up_is_handed_over_at_once_and_in_order(pipeline: Pipeline, disk: Disk) -> None:
    held(pipeline, disk, messages([0]))
    for number in (1, 2, 3):
        pipeline.take(messages([number]))
    disk.open.set()
    assert done(pipeline) == {0: 4}
    assert disk.written == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert disk.calls == ["handled 1", "handled 3"]


def test_messages_that_are_no_events_keep_their_place_in_the_row(pipeline: Pipeline, disk: Disk) -> None:
    held(pipeline, disk, messages([0]))
    pipeline.take(sort([record(b"not json", offset=1)], frozenset()))
    assert (len(pipeline.letters()), pipeline.progress()) == (1, [])
    disk.open.set()
    assert done(pipeline) == {0: 2}


def test_what_cannot_be_done_is_said_and_tried_again_when_asked(pipeline: Pipeline, disk: Disk) -> None:
    disk.full = True
    pipeline.take(messages([0]))
    eventually("the obstacle shows", lambda: _obstacle(pipeline), every=0.001)
    pipeline.take(messages([1]))
    assert (pipeline.progress(), disk.written) == ([], [])
    disk.full = False
    pipeline.proceed()
    assert done(pipeline) == {0: 2}
    assert disk.written == [(0, 0), (0, 1)]


def _obstacle(pipeline: Pipeline) -> str:
    try:
        pipeline.proceed()
    except NotDone as obstacle:
        return str(obstacle)
    return ""


def test_nothing_begins_while_it_is_unsure_whose_the_partitions_are(disk: Disk) -> None:
    ours = threading.Event()
    pipeline = Pipeline(disk, Metrics(CollectorRegistry()), ours.is_set)
    pipeline.take(messages([0]))
    eventually("it says so", lambda: "still ours" in _obstacle(pipeline), every=0.001)
    assert disk.written == []
    ours.set()
    pipeline.proceed()
    pipeline.finish()
    assert disk.written == [(0, 0)]


@pytest.mark.parametrize("go", ["revoked", "lost"])
def test_what_has_not_begun_of_a_partition_that_goes_is_dropped(
    pipeline: Pipeline, disk: Disk, go: str
) -> None:
    held(pipeline, disk, messages([0]))
    pipeline.take(messages([1]))
    pipeline.take(messages([5], partition=1))
    threading.Timer(0.01, disk.open.set).start()
    getattr(pipeline, go)([0])
    assert disk.calls == ["handled 1", f"{go} [0]"]
    assert done(pipeline) == ({0: 1, 1: 6} if go == "revoked" else {1: 6})
    assert disk.written == [(0, 0), (1, 5)]


def test_what_failed_of_a_partition_that_goes_is_not_tried_again(pipeline: Pipeline, disk: Disk) -> None:
    disk.full = True
    pipeline.take(messages([0]))
    pipeline.take(messages([5], partition=1))
    eventually("the obstacle shows", lambda: _obstacle(pipeline), every=0.001)
    pipeline.lost([0])
    disk.full = False
    pipeline.proceed()
    assert done(pipeline) == {1: 6}
    assert disk.written == [(1, 5)]


def test_it_takes_no_more_than_it_can_hold(pipeline: Pipeline, disk: Disk) -> None:
    held(pipeline, disk, messages([0]))
    offset = 1
    while room := pipeline.room():
        pipeline.take(messages(range(offset, offset + room)))
        offset += room
    assert offset == 6000
    disk.open.set()
    pipeline.await_room(30)
    assert pipeline.room() == 1000


def test_a_mistake_of_the_handler_reaches_the_loop(disk: Disk) -> None:
    disk.broken = True
    pipeline = Pipeline(disk, Metrics(CollectorRegistry()), lambda: True)
    pipeline.take(messages([0]))
    with pytest.raises(ZeroDivisionError):
        pipeline.finish()
    with pytest.raises(ZeroDivisionError):
        pipeline.proceed()
    assert pipeline.progress() == []
