"""What waits for a sink is in order by key, and nothing is lost or doubled whatever happens to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from eventconsumer_workers.sinks.backlog import Backlog, Delivery
from tests.support.notifications import notification

if TYPE_CHECKING:
    from collections.abc import Callable


def delivery(key: str = "a") -> Delivery:
    return Delivery(key, ("p", 0), notification(), lambda _: None)


def backlog(*deliveries: Delivery) -> Backlog:
    made = Backlog()
    for one in deliveries:
        made.add(one, 0.0)
    return made


def test_deliveries_of_different_keys_go_out_at_once_and_those_of_one_key_in_order() -> None:
    first, second, other = delivery("a"), delivery("a"), delivery("b")
    made = backlog(first, second, other)
    assert [made.take(0.0), made.take(0.0), made.take(0.0)] == [first, other, None]
    made.done(first, 0.0)
    assert made.take(0.0) is second


def test_a_delivery_that_is_to_be_tried_later_holds_up_its_own_key_only() -> None:
    first, second, other = delivery("a"), delivery("a"), delivery("b")
    made = backlog(first, second, other)
    assert made.take(0.0) is first
    made.again(first, 5.0)
    assert [made.take(1.0), made.take(1.0)] == [other, None]
    assert made.next_due() == 5.0
    assert made.take(5.0) is first


def test_the_oldest_are_shed_except_what_is_out() -> None:
    deliveries = [delivery(key) for key in "abca"]
    made = backlog(*deliveries)
    assert made.take(0.0) is deliveries[0]
    assert made.shed(2) == deliveries[1:3]
    assert len(made) == 2
    made.done(deliveries[0], 0.0)
    assert made.take(0.0) is deliveries[3]


def test_a_key_that_was_shed_and_comes_again_goes_out_once() -> None:
    old, new = delivery("a"), delivery("a")
    made = backlog(old)
    made.shed(1)
    made.add(new, 0.0)
    assert [made.take(0.0), made.take(0.0)] == [new, None]


def test_each_attempt_is_counted() -> None:
    made = backlog(one := delivery())
    for attempt in (1, 2):
        assert made.take(0.0) is one
        assert one.attempts == attempt
        made.again(one, 0.0)


def test_a_key_whose_deliveries_are_done_takes_no_memory() -> None:
    made = backlog(*[delivery(f"{number}") for number in range(5)])
    while (one := made.take(0.0)) is not None:
        made.done(one, 0.0)
    assert (made._lines, made._due) == ({}, [])


class Machine(RuleBasedStateMachine):
    """Any order of calls keeps the promise."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog()
        self.waiting: list[Delivery] = []
        self.out: list[Delivery] = []
        self.now = 0.0

    @rule(key=st.sampled_from("abc"))
    def add(self, key: str) -> None:
        one = delivery(key)
        self.backlog.add(one, self.now)
        self.waiting.append(one)

    @rule(seconds=st.floats(0, 10))
    def take(self, seconds: float) -> None:
        self.now += seconds
        one = self.backlog.take(self.now)
        if one is not None:
            assert one is next(other for other in self.waiting if other.key == one.key)
            assert one.key not in {other.key for other in self.out}
            self.out.append(one)

    @precondition(lambda self: self.out)
    @rule(seconds=st.floats(0, 5), again=st.booleans())
    def finish(self, seconds: float, *, again: bool) -> None:
        one = self.out.pop(0)
        if again:
            self.backlog.again(one, self.now + seconds)
        else:
            self.backlog.done(one, self.now)
            self.waiting.remove(one)

    @rule(count=st.integers(0, 3))
    def shed(self, count: int) -> None:
        idle = [one for one in self.waiting if one not in self.out]
        assert self.backlog.shed(count) == idle[:count]
        self.waiting = [one for one in self.waiting if one not in idle[:count]]

    @rule(key=st.sampled_from("abc"))
    def drop(self, key: str) -> None:
        unwanted: Callable[[Delivery], bool] = lambda one: one.key == key  # noqa: E731  # the call reads best so
        gone = self.backlog.drop(unwanted)
        assert gone == [one for one in self.waiting if one.key == key and one not in self.out]
        self.waiting = [one for one in self.waiting if one not in gone]

    @invariant()
    def all_are_counted(self) -> None:
        assert len(self.backlog) == len(self.waiting)

    @override
    def teardown(self) -> None:
        for one in self.out:
            self.backlog.done(one, self.now)
            self.waiting.remove(one)
        left = []
        while (waited := self.backlog.take(self.now + 100)) is not None:
            left.append(waited)
            self.backlog.done(waited, self.now)
        assert sorted(id(one) for one in left) == sorted(id(one) for one in self.waiting)


TestAnyOrder = Machine.TestCase
