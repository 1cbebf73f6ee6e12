"""What becomes of deliveries when their sink is well, ill, busy or away."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.sinks import Busy, Refused, Unavailable
from eventconsumer_workers.sinks.backlog import Delivery
from eventconsumer_workers.sinks.courier import Courier, Patience
from tests.support.eventually import eventually
from tests.support.notifications import notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.backlog import Aside


class Sink:
    """Does for each notification what the test says, and keeps what it has taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.behave: Callable[[Notification], None] = lambda _: None

    def deliver(self, notification: Notification) -> None:
        self.behave(notification)
        self.taken.append(notification.event_id)

    def close(self) -> None:
        self.taken.append("closed")


class Watcher:
    """Keeps the results of attempts."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.waiting = 0
        self.is_open = False

    def attempted(self, sink: str, result: str, seconds: float) -> None:
        assert sink == "erp"
        assert seconds >= 0
        self.results[result] += 1

    def state(self, sink: str, *, waiting: int, is_open: bool) -> None:
        assert sink == "erp"
        self.waiting, self.is_open = waiting, is_open


class Work:
    """A courier with its sink, and what became of each delivery."""

    def __init__(self, *, attempts: int = 2, hold_seconds: float = 600, concurrency: int = 2) -> None:
        self.sink = Sink()
        self.watcher = Watcher()
        self.settled: dict[str, str | None] = {}
        self._offset = 0
        self.courier = Courier(
            "erp", self.sink, Patience(attempts, hold_seconds, concurrency, 0.005, 0.02), self.watcher
        )

    def send(self, *names: str, key: str | None = None) -> None:
        for name in names:
            place = ("p", self._offset)
            self._offset += 1
            self.courier.add(
                Delivery(key or name, place, notification(event_id=name), partial(self._settle, name))
            )

    def _settle(self, name: str, aside: Aside | None) -> None:
        self.settled[name] = None if aside is None else aside.reason

    def eventually(self, **expected: str | None) -> None:
        eventually(
            "deliveries are settled", lambda: self.settled, within=30, every=0.01, until=expected.__eq__
        )


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    with closing(made.courier):
        yield made


def fail(_: Notification) -> None:
    raise Unavailable("connection refused")


def test_what_the_receiver_takes_is_settled(work: Work) -> None:
    work.send("a", "b")
    work.eventually(a=None, b=None)
    assert sorted(work.sink.taken) == ["a", "b"]
    assert work.watcher.results == {"delivered": 2}


def test_what_the_receiver_refuses_is_set_aside_at_once_with_the_reason(work: Work) -> None:
    def refuse(_: Notification) -> None:
        raise Refused("answered 400 invalid_payload")

    work.sink.behave = refuse
    work.send("a")
    work.eventually(a="erp: answered 400 invalid_payload")
    assert work.watcher.results == {"refused": 1}


def test_what_fails_while_others_pass_is_set_aside_after_its_attempts(work: Work) -> None:
    def fail_on_a(notification: Notification) -> None:
        if notification.event_id == "a":
            raise Unavailable("answered 500")

    work.sink.behave = fail_on_a
    work.send("a", "b", "c")
    work.eventually(a="erp: answered 500", b=None, c=None)
    assert work.watcher.results == {"delivered": 2, "unavailable": 2}


def test_a_bug_of_a_sink_stops_nobody(work: Work) -> None:
    def stumble(notification: Notification) -> None:
        if notification.event_id == "a":
            raise ZeroDivisionError

    work.sink.behave = stumble
    work.send("a", "b")
    work.eventually(a="erp: a bug of the sink: ZeroDivisionError", b=None)


def test_nothing_is_set_aside_while_the_sink_is_down_and_all_arrives_in_order_when_it_is_back() -> None:
    work = Work(attempts=100, concurrency=1)
    names = [f"e{number}" for number in range(30)]
    with closing(work.courier):
        work.sink.behave = fail
        work.send(*names, key="task")
        eventually("the breaker opens", lambda: work.watcher.is_open, within=30, every=0.01)
        assert work.settled == {}
        assert work.courier.down_for() > 0
        work.sink.behave = lambda _: None
        work.eventually(**dict.fromkeys(names))
        assert work.sink.taken == names
        assert work.courier.down_for() == 0


def test_a_sink_that_is_down_for_too_long_has_everything_set_aside() -> None:
    work = Work(attempts=100, hold_seconds=0.2, concurrency=1)
    with closing(work.courier):
        work.sink.behave = fail
        work.send("a", "b", key="task")
        work.eventually(a="erp: connection refused", b="erp: connection refused")


def test_a_busy_sink_is_waited_for_and_no_attempt_is_counted(work: Work) -> None:
    refusals = iter(range(5))

    def be_busy(_: Notification) -> None:
        if next(refusals, None) is not None:
            raise Busy("answered 429", 0.01)

    work.sink.behave = be_busy
    work.send("a")
    work.eventually(a=None)
    assert work.watcher.results == {"busy": 5, "delivered": 1}


def busy(_: Notification) -> None:
    raise Busy("answered 429", 0.01)


def test_a_sink_that_is_always_busy_counts_as_down_until_it_takes_something(work: Work) -> None:
    work.sink.behave = busy
    work.send("a")
    eventually("it counts as down", work.courier.down_for, within=5, every=0.01)
    assert work.settled == {}
    work.sink.behave = lambda _: None
    work.eventually(a=None)
    assert work.courier.down_for() == 0


def test_a_sink_that_is_busy_for_too_long_has_everything_set_aside() -> None:
    work = Work(hold_seconds=0.2, concurrency=1)
    with closing(work.courier):
        work.sink.behave = busy
        work.send("a", "b", key="task")
        work.eventually(a="erp: answered 429", b="erp: answered 429")


def test_an_earlier_failure_takes_no_attempt_from_the_next_event() -> None:
    work = Work(attempts=2, hold_seconds=0)
    with closing(work.courier):
        work.sink.behave = fail
        work.send("a")
        work.eventually(a="erp: connection refused")
        assert work.courier.down_for() == 0
        work.send("b")
        work.eventually(a="erp: connection refused", b="erp: connection refused")
    assert work.watcher.results == {"unavailable": 4}


def test_what_waits_is_told_as_it_comes_and_goes(work: Work) -> None:
    begun, free = threading.Event(), threading.Event()

    def wait(_: Notification) -> None:
        begun.set()
        free.wait(30)

    work.sink.behave = wait
    work.send("a", "b", "c", "d", key="task")
    assert begun.wait(30)
    told = [work.watcher.waiting]
    work.courier.shed(1, "too many wait")
    told.append(work.watcher.waiting)
    work.courier.release("p", 2)
    told.append(work.watcher.waiting)
    work.courier.drop("p")
    told.append(work.watcher.waiting)
    free.set()
    assert told == [4, 3, 2, 1]


def test_a_sink_that_nothing_waits_for_any_more_is_not_told_as_down() -> None:
    work = Work(attempts=100)
    with closing(work.courier):
        work.sink.behave = fail
        work.send("a", "b", "c")
        eventually("the breaker opens", lambda: work.watcher.is_open, within=30, every=0.01)

        def gone() -> bool:
            work.courier.drop("p")
            return len(work.courier) == 0

        eventually("nothing waits", gone, within=5, every=0.01)
        assert (work.watcher.waiting, work.watcher.is_open, work.courier.down_for()) == (0, False, 0)


def test_what_fails_after_its_partition_went_is_not_tried_again() -> None:
    work = Work(attempts=100)
    begun, free = threading.Event(), threading.Event()

    def fail_late(_: Notification) -> None:
        begun.set()
        free.wait(30)
        raise Unavailable("connection refused")

    with closing(work.courier):
        work.sink.behave = fail_late
        work.send("a", key="theirs")
        assert begun.wait(30)
        work.courier.drop("p")
        free.set()
        eventually("nothing waits", lambda: work.watcher.waiting == 0, within=5, every=0.01)
    assert work.watcher.results == {"unavailable": 1}


def test_the_oldest_are_set_aside_to_make_room(work: Work) -> None:
    free = threading.Event()

    def wait(_: Notification) -> None:
        free.wait(30)

    work.sink.behave = wait
    work.send("a", "b", "c", "d", key="task")
    eventually("the first is out", lambda: len(work.courier) == 4, within=5, every=0.01)
    work.courier.shed(2, "too many wait")
    assert list(work.settled.values()) == ["erp: too many wait"] * 2
    free.set()
    eventually("all are settled", lambda: len(work.settled) == 4, within=30, every=0.01)


def test_what_is_not_ours_any_more_is_forgotten() -> None:
    work = Work(attempts=100)
    with closing(work.courier):
        work.sink.behave = fail
        work.send("a", "b", key="theirs")
        eventually("it failed", lambda: work.watcher.results["unavailable"], within=5, every=0.01)
        work.courier.drop("p")
        work.sink.behave = lambda _: None
        eventually("nothing is left", lambda: len(work.courier), within=5, every=0.01, until=lambda n: n == 0)
    assert "b" not in work.settled


def test_what_was_not_begun_is_released_except_below_what_was(work: Work) -> None:
    both_out, free = threading.Barrier(3), threading.Event()

    def wait(_: Notification) -> None:
        if not free.is_set():
            both_out.wait(30)
            free.wait(30)

    work.sink.behave = wait
    work.send("a0", "a1", "a2", key="a")
    work.send("b3", "b4", key="b")
    both_out.wait(30)
    assert [one.notification.event_id for one in work.courier.release("p", 0)] == ["b4"]
    free.set()
    work.eventually(a0=None, a1=None, a2=None, b3=None)


def test_closing_ends_what_is_out_and_leaves_the_rest_unsettled() -> None:
    work = Work(concurrency=1)
    begun, free = threading.Event(), threading.Event()

    def wait(_: Notification) -> None:
        begun.set()
        free.wait(30)

    work.sink.behave = wait
    work.send("a", "b", key="task")
    assert begun.wait(30)
    ending = threading.Thread(target=work.courier.close)
    ending.start()
    free.set()
    ending.join(30)
    assert work.settled == {"a": None}
    assert work.sink.taken == ["a", "closed"]
