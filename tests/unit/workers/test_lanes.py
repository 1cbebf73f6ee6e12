"""Events of a key start one after the other and in order; other keys never wait for them."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eventconsumer_workers.envelope import read
from eventconsumer_workers.lanes import Item, Lanes
from eventconsumer_workers.watermark import Watermark
from tests.support.events import encoded
from tests.support.records import record

EVENT = read(encoded(), frozenset())
assert EVENT is not None


def item(offset: int, key: bytes | None, mark: Watermark, partition: int = 0) -> Item:
    assert EVENT is not None
    at = record(b"", partition=partition, offset=offset, key=key)
    return Item(EVENT, at, partition, offset, mark, size=10)


class Working(RuleBasedStateMachine):
    """Any number of threads that take, finish and postpone while partitions come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes()
        self.mark = Watermark()
        self.offset = 0
        self.now = 0.0
        self.busy: list[Item] = []
        self.waiting: list[Item] = []
        self.started: dict[object, int] = {}

    @rule(key=st.sampled_from([b"a", b"b", b"c", None]))
    def put(self, key: bytes | None) -> None:
        one = item(self.offset, key, self.mark)
        self.offset += 1
        self.waiting.append(one)
        self.lanes.put(one)

    @rule()
    def start(self) -> None:
        one = self.lanes.start(self.now)
        if one is None:
            assert all(
                any(other.lane == each.lane for other in self.busy) or each.attempt > 1
                for each in self._heads()
            )
            return
        assert one.lane not in {other.lane for other in self.busy}
        assert one is next(each for each in self.waiting if each.lane == one.lane)
        self.waiting.remove(one)
        self.busy.append(one)

    @precondition(lambda self: self.busy)
    @rule(choice=st.integers(0, 100))
    def finish(self, choice: int) -> None:
        one = self.busy.pop(choice % len(self.busy))
        self.lanes.finish(one)

    @precondition(lambda self: self.busy)
    @rule(choice=st.integers(0, 100), pause=st.integers(1, 5))
    def postpone(self, choice: int, pause: int) -> None:
        one = self.busy.pop(choice % len(self.busy))
        one.attempt += 1
        self.lanes.postpone(one, self.now + pause)
        self.waiting.insert(0, one)

    @rule()
    def time_passes(self) -> None:
        self.now += 10
        for one in self.waiting:
            one.attempt = 1

    @rule(above=st.integers(-1, 30))
    def drop(self, above: int) -> None:
        self.lanes.drop(self.mark, above=above)
        self.waiting = [one for one in self.waiting if one.mark is not self.mark or one.offset <= above]

    @rule()
    def partition_comes_anew(self) -> None:
        self.lanes.drop(self.mark)
        self.waiting = [one for one in self.waiting if one.mark is not self.mark]
        self.mark = Watermark()

    @invariant()
    def counts_hold(self) -> None:
        left = len(self.waiting) + len(self.busy)
        assert (len(self.lanes), self.lanes.size) == (left, 10 * left)

    def _heads(self) -> list[Item]:
        heads: dict[object, Item] = {}
        for one in self.waiting:
            heads.setdefault(one.lane, one)
        return list(heads.values())


TestLanes = Working.TestCase
TestLanes.settings = settings(max_examples=60, stateful_step_count=40)


def test_a_postponed_event_holds_up_its_key_and_no_other() -> None:
    lanes, mark = Lanes(), Watermark()
    first, second, other = item(0, b"a", mark), item(1, b"a", mark), item(2, b"b", mark)
    for one in (first, second, other):
        lanes.put(one)
    assert lanes.start(0) is first
    lanes.postpone(first, until=5)
    assert lanes.start(0) is other
    assert lanes.start(4.9) is None
    assert lanes.next_start() == 5
    assert lanes.start(5) is first
    lanes.finish(first)
    assert lanes.start(5) is second


def test_an_earlier_event_that_is_started_again_hides_none_that_was_started_behind_it() -> None:
    lanes, mark = Lanes(), Watermark()
    first, later = item(0, b"a", mark), item(5, b"b", mark)
    for one in (first, later):
        lanes.put(one)
        assert lanes.start(0) is one
    lanes.postpone(first, until=1)
    assert lanes.start(1) is first
    assert mark.highest_started == 5


def test_only_what_waits_for_nothing_but_a_thread_can_be_started() -> None:
    lanes, mark = Lanes(), Watermark()
    gone, first, other = item(0, b"a", Watermark()), item(1, b"b", mark), item(2, b"c", mark)
    lanes.put(gone)
    lanes.drop(gone.mark)
    assert not lanes.startable()
    for one in (first, other):
        lanes.put(one)
    assert lanes.startable()
    for _ in range(2):
        started = lanes.start(0)
        assert started is not None
        lanes.postpone(started, until=5)
    assert not lanes.startable()


@pytest.mark.parametrize("partition", [0, 1])
def test_the_same_key_of_two_partitions_is_two_lanes(partition: int) -> None:
    lanes, marks = Lanes(), [Watermark(), Watermark()]
    for number in (0, 1):
        lanes.put(item(0, b"a", marks[number], partition=number))
    lanes.drop(marks[partition])
    left = lanes.start(0)
    assert left is not None
    assert left.partition == 1 - partition
    assert lanes.start(0) is None
