"""Work that is only begun counts as done when it has ended, and comes again when it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from eventconsumer_workers.batches import Batches
from eventconsumer_workers.handlers import NotDone, Underway
from eventconsumer_workers.metrics import Metrics
from eventconsumer_workers.sorting import Sorted, sort
from tests.support.events import encoded
from tests.support.records import record
from tests.unit.workers.stand_ins import Counting, Handling

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_workers.handlers import Batch


class Disk:
    """Begins to write each batch, and refuses to end while it is full."""

    def __init__(self) -> None:
        self.given: list[list[int | None]] = []
        self.full = False
        self.idle = False
        """Whether what was begun has ended, without anybody having waited for it."""

    def handle(self, batch: Batch) -> Underway:
        if self.full:
            raise NotDone("the disk is full")
        self.given.append([one.offset() for one in batch.records])
        return Underway(self.settle, lambda: self.idle)

    def settle(self) -> None:
        if self.full:
            raise NotDone("the disk is full")

    def assigned(self, _: Collection[int]) -> Mapping[int, int]:
        return {}

    def revoked(self, partitions: Collection[int]) -> None: ...
    def lost(self, partitions: Collection[int]) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def batches(disk: Disk) -> Batches:
    return Batches(disk, Metrics(CollectorRegistry()), lambda: True)


def message(offset: int, partition: int = 0) -> Sorted:
    return sort([record(encoded(), partition=partition, offset=offset)], frozenset())


def progress(batches: Batches) -> dict[int, int]:
    return {place.partition: place.offset for place in batches.progress()}


def begin(batches: Batches, *taken: Sorted) -> None:
    for one in taken:
        batches.take(one)
        batches.proceed()


def test_a_batch_that_is_only_begun_is_no_progress(batches: Batches) -> None:
    begin(batches, message(0))
    assert (batches.busy, progress(batches)) == (True, {})


def test_batches_are_done_as_soon_as_their_work_has_ended_and_the_last_when_no_more_come(
    disk: Disk, batches: Batches
) -> None:
    begin(batches, message(0), message(1))
    assert progress(batches) == {}
    disk.idle = True
    begin(batches, message(2))
    assert (batches.busy, progress(batches)) == (False, {0: 3})
    disk.idle = False
    begin(batches, message(3))
    batches.proceed()
    assert (batches.busy, progress(batches)) == (False, {0: 4})


def test_messages_are_queued_until_their_work_has_ended(disk: Disk) -> None:
    observer = Counting()
    batches = Batches(disk, observer, lambda: True)
    begin(batches, message(0), message(1))
    assert observer.counts["queued"] == 2
    batches.proceed()
    assert observer.counts["queued"] == 0


def test_what_could_not_end_is_given_again_before_what_came_later(disk: Disk, batches: Batches) -> None:
    begin(batches, message(0))
    disk.full = True
    with pytest.raises(NotDone):
        begin(batches, message(1))
    disk.full = False
    batches.proceed()
    batches.proceed()
    assert disk.given == [[0], [0], [1]]
    assert progress(batches) == {0: 2}


def test_an_end_that_fails_while_no_messages_come_is_noticed(disk: Disk, batches: Batches) -> None:
    begin(batches, message(0))
    disk.full = True
    for _ in range(2):
        with pytest.raises(NotDone):
            batches.proceed()
    assert progress(batches) == {}


def test_messages_that_need_no_work_are_no_progress_before_what_was_begun_has_ended(batches: Batches) -> None:
    begin(batches, message(0), sort([record(b"{", offset=1)], frozenset()))
    assert (batches.busy, progress(batches)) == (True, {})
    batches.proceed()
    assert (batches.busy, progress(batches)) == (False, {0: 2})


def test_nothing_is_handled_while_it_is_unsure_whose_the_partitions_are(disk: Disk) -> None:
    answers = [True, False]
    observer = Counting()
    batches = Batches(disk, observer, answers.pop)
    batches.take(message(0))
    with pytest.raises(NotDone, match="unsure"):
        batches.proceed()
    assert (disk.given, progress(batches)) == ([], {})
    batches.proceed()
    batches.proceed()
    assert (disk.given, progress(batches), observer.counts["handled"]) == ([[0]], {0: 1}, 1)


def test_a_handler_hears_of_the_partitions_that_are_given_back() -> None:
    handler = Handling()
    batches = Batches(handler, Counting(), lambda: True)
    batches.revoked([0, 2])
    assert handler.gone == [("revoked", {0, 2})]


def test_partitions_that_are_lost_are_neither_progress_nor_given_again(disk: Disk, batches: Batches) -> None:
    begin(batches, message(7), message(5, partition=1))
    batches.lost([0, 1])
    batches.proceed()
    assert progress(batches) == {}
    begin(batches, message(5, partition=1))
    disk.full = True
    with pytest.raises(NotDone):
        batches.proceed()
    batches.lost([1])
    disk.full = False
    batches.proceed()
    assert disk.given == [[7], [5], [5]]


def test_what_could_not_end_and_then_went_away_is_not_counted_as_handled(disk: Disk) -> None:
    observer = Counting()
    batches = Batches(disk, observer, lambda: True)
    begin(batches, message(0))
    disk.full = True
    with pytest.raises(NotDone):
        batches.proceed()
    batches.lost([0])
    disk.full = False
    batches.proceed()
    assert (disk.given, observer.counts["handled"], batches.busy) == ([[0]], 0, False)


def test_what_was_begun_ends_before_partitions_are_given_back(batches: Batches) -> None:
    begin(batches, message(0))
    batches.revoked([0])
    assert progress(batches) == {0: 1}


def test_what_cannot_end_when_partitions_are_given_back_comes_again_for_those_that_stay(
    disk: Disk, batches: Batches
) -> None:
    batches.take(
        sort([record(encoded(), partition=0), record(encoded(), partition=1, offset=3)], frozenset())
    )
    batches.proceed()
    disk.full = True
    batches.revoked([0])
    disk.full = False
    batches.proceed()
    batches.proceed()
    assert disk.given == [[0, 3], [3]]
    assert progress(batches) == {1: 4}


def test_what_was_begun_ends_before_the_worker_does(batches: Batches) -> None:
    begin(batches, message(0))
    batches.finish()
    assert progress(batches) == {0: 1}
