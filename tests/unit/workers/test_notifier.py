"""How far a partition is done in all sinks, what is held for them, and what is left when it goes."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Message
from prometheus_client import CollectorRegistry

from eventconsumer_workers import notifier as notifiers
from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED
from eventconsumer_workers.handlers.sinks import Route
from eventconsumer_workers.metrics import SinkMetrics
from eventconsumer_workers.notifier import Notifier
from eventconsumer_workers.sinks import Refused, Unavailable
from eventconsumer_workers.sinks.courier import Courier, Patience
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.unit.workers.stand_ins import Counting, messages, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.backlog import Delivery


class Sink:
    """A sink that waits while it is blocked, answers as told and keeps the offsets of what it has taken."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.says: Exception | None = None
        self.begun: list[int] = []
        self.taken: list[int] = []

    def deliver(self, notification: Notification) -> None:
        """Take an event."""
        offset = int(json.loads(notification.body)["data"]["title"].split("/")[1])
        self.begun.append(offset)
        assert self.go.wait(30)
        if self.says is not None:
            raise self.says
        self.taken.append(offset)

    def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
def erp() -> Sink:
    return Sink()


@pytest.fixture
def log() -> Sink:
    return Sink()


@pytest.fixture
def notifier(erp: Sink, log: Sink, observer: Counting) -> Iterator[Notifier]:
    """Return a notifier with two sinks, one delivery to each at a time, that has partition 0."""
    patience = Patience(100, 600, 1, 0.001, 0.01)
    figures = SinkMetrics(CollectorRegistry())
    with ExitStack() as couriers:
        routes = [
            Route(couriers.enter_context(closing(Courier(name, sink, patience, figures))), frozenset())
            for name, sink in (("erp", erp), ("log", log))
        ]
        made = Notifier(routes, group="g", observer=observer, notes=lambda _: {})
        made.assigned({0})
        yield made
        erp.go.set()


def low(notifier: Notifier) -> dict[int, int]:
    return {place.partition: place.offset for place in notifier.progress()}


def await_(what: str, probe: Callable[[], object]) -> None:
    eventually(what, probe, every=0.001)


def write_letters(notifier: Notifier) -> list[Letter]:
    """Let the dead-letter topic have the letters that came up, as the loop does before it commits."""
    letters = notifier.letters()
    for number, letter in enumerate(letters, 1):
        letter.number = number
    notifier.settled(lambda number: number > 0)
    return letters


def told(letters: list[Letter]) -> list[tuple[int | None, str | None, str]]:
    return sorted((letter.record.offset(), letter.sink, letter.cause) for letter in letters)


def test_progress_waits_for_the_slowest_sink_and_the_other_goes_on(
    notifier: Notifier, erp: Sink, log: Sink, observer: Counting
) -> None:
    erp.go.clear()
    notifier.take(read(messages(0, 1)))
    await_("the other has all", lambda: log.taken == [0, 1])
    assert (low(notifier), notifier.busy, observer.counts["handled"]) == ({0: 0}, True, 0)
    erp.go.set()
    await_("all is done", lambda: not notifier.busy)
    assert (erp.taken, low(notifier), observer.counts["handled"]) == ([0, 1], {0: 2}, 2)


def test_ten_thousand_events_are_held_at_most(
    notifier: Notifier, erp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notifier.room() == 10_000
    monkeypatch.setattr(notifiers, "_MOST_EVENTS", 3)
    erp.go.clear()
    notifier.take(read(messages(0, 1, 2)))
    assert notifier.room() == 0
    erp.go.set()
    notifier.await_room(30)
    assert notifier.room() > 1


def test_large_events_fill_a_notifier_sooner(
    notifier: Notifier, erp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifiers, "_MOST_BYTES", 100)
    erp.go.clear()
    notifier.take(read(messages(0)))
    assert notifier.room() == 0
    erp.go.set()
    await_("there is room", lambda: notifier.room() == 10_000)


def test_a_sink_that_is_down_has_its_oldest_events_set_aside_when_no_more_can_be_held(
    notifier: Notifier, erp: Sink, log: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifiers, "_MOST_EVENTS", 20)
    monkeypatch.setattr(notifiers, "_DOWN_SECONDS", 0.0)
    erp.says = Unavailable("connection refused")
    notifier.take(read(messages(*range(20), key=None)))
    await_("no more can be held", lambda: len(log.taken) == 20 and notifier.room() == 0)
    letters: list[Letter] = []

    def shed() -> list[Letter]:
        notifier.room()
        letters.extend(write_letters(notifier))
        return letters

    await_("some are set aside", shed)
    assert [(letter.sink, letter.cause) for letter in letters] == [("erp", EXHAUSTED)] * 2
    assert max(letter.record.offset() or 0 for letter in letters) <= 2
    assert notifier.room() == 2


def test_nothing_is_set_aside_for_a_sink_that_is_slow(
    notifier: Notifier, erp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifiers, "_MOST_EVENTS", 3)
    monkeypatch.setattr(notifiers, "_DOWN_SECONDS", 0.0)
    erp.go.clear()
    notifier.take(read(messages(0, 1, 2)))
    await_("it was begun", lambda: erp.begun)
    assert (notifier.room(), notifier.letters()) == (0, [])


def test_what_became_a_dead_letter_is_not_counted_as_handled(
    notifier: Notifier, erp: Sink, observer: Counting
) -> None:
    erp.says = Refused("answered 400")
    notifier.take(read([*messages(0), *messages(1, value=b"{")]))

    def done() -> bool:
        write_letters(notifier)
        return not notifier.busy

    await_("the letters are written", done)
    assert (low(notifier), observer.counts["handled"]) == ({0: 2}, 0)


def test_a_dead_letter_holds_its_offset_until_the_topic_has_it(
    notifier: Notifier, erp: Sink, log: Sink
) -> None:
    erp.says = Refused("answered 400")
    notifier.take(read([*messages(0), *messages(1, value=b"{")]))
    letters: list[Letter] = []

    def both() -> bool:
        letters.extend(notifier.letters())
        return len(letters) == 2 and log.taken == [0]

    await_("both are set aside", both)
    for letter in letters:
        letter.number = 1 + (letter.record.offset() or 0)
    notifier.settled(set[int]().__contains__)
    assert (low(notifier), notifier.busy) == ({0: 0}, True)
    notifier.settled({2}.__contains__)
    assert (low(notifier), notifier.busy) == ({}, True)
    notifier.settled({1}.__contains__)
    assert (low(notifier), notifier.busy) == ({0: 2}, False)


def only_for(addressee: str, offset: int = 0) -> Message:
    """Return an event that was sent back for one sink."""
    value = encoded(title=f"0/{offset}")
    return Message("orders", 0, offset, b"k", value, [("notification_sink", addressee.encode())])


def test_what_was_sent_back_for_a_sink_goes_to_that_sink_of_that_group_alone(
    notifier: Notifier, erp: Sink, log: Sink
) -> None:
    notifier.take(read([only_for("another/erp"), only_for("g/erp", offset=1), *messages(2)]))
    await_("all is done", lambda: not notifier.busy)
    assert (erp.taken, log.taken, low(notifier)) == ([1, 2], [2], {0: 3})


def test_what_was_sent_back_for_a_sink_that_is_no_more_is_a_dead_letter(
    notifier: Notifier, erp: Sink, log: Sink
) -> None:
    notifier.take(read([only_for("g/pager")]))
    (letter,) = write_letters(notifier)
    assert (letter.cause, letter.error) == (MALFORMED, "it is for the sink pager, which is no more")
    assert (erp.begun, log.begun, low(notifier)) == ([], [], {0: 1})


def test_deliveries_wait_for_those_of_the_same_key_of_their_partition_and_for_no_others(
    observer: Counting,
) -> None:
    courier: Any = Keeping()
    notifier = Notifier([Route(courier, frozenset())], group="g", observer=observer, notes=lambda _: {})
    notifier.assigned({0, 1})
    keyless = [*messages(3, key=None), *messages(4, key=None)]
    notifier.take(read([*messages(0, 1), *messages(2, key=b"other"), *keyless, *messages(0, partition=1)]))
    first, second, *others = (delivery.key for delivery in courier.kept)
    assert first == second
    assert len({first, *others}) == 5


class Keeping:
    """A courier that keeps what it is given."""

    name = "erp"

    def __init__(self) -> None:
        self.kept: list[Delivery] = []

    def add(self, delivery: Delivery) -> None:
        """Keep a delivery."""
        self.kept.append(delivery)


@pytest.mark.parametrize("give_back", [lambda it: it.revoked({0}), lambda it: it.finish()])
def test_letters_of_a_partition_that_is_given_back_move_its_offset(
    notifier: Notifier, erp: Sink, log: Sink, give_back: Callable[[Notifier], None]
) -> None:
    erp.says = Refused("answered 400")
    notifier.take(read([*messages(0), *messages(1, value=b"{")]))
    await_("both sinks have it", lambda: erp.begun and log.begun)
    give_back(notifier)
    assert told(write_letters(notifier)) == [(0, "erp", REJECTED), (1, "", MALFORMED)]
    assert low(notifier) == {0: 2}
    assert notifier.room() == 10_000


def test_a_revoked_partition_finishes_what_was_begun_and_drops_the_rest(
    notifier: Notifier, erp: Sink, log: Sink
) -> None:
    erp.go.clear()
    log.go.clear()
    notifier.take(read(messages(0, 1)))
    await_("it was begun", lambda: (erp.begun, log.begun) == ([0], [0]))

    def free() -> None:
        couriers = [route.courier for route in notifier._routes.values()]
        await_("the rest is dropped", lambda: [len(courier) for courier in couriers] == [1, 1])
        for sink in (erp, log):
            sink.go.set()

    threading.Thread(target=free, daemon=True).start()
    notifier.revoked({0})
    assert (erp.taken, log.taken, low(notifier)) == ([0], [0], {0: 1})


def test_what_does_not_end_in_time_is_left_to_the_next_owner_and_waited_for_once(
    notifier: Notifier, erp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifiers, "_GRACE_SECONDS", 0.01)
    erp.go.clear()
    notifier.take(read(messages(0)))
    await_("it was begun", lambda: erp.begun)
    notifier.finish()
    assert (low(notifier), notifier.room()) == ({0: 0}, 10_000)
    monkeypatch.setattr(notifiers, "_GRACE_SECONDS", 10.0)
    started = time.monotonic()
    notifier.revoked({0})
    assert time.monotonic() - started < 5


def test_a_lost_partition_leaves_no_letters_and_no_progress(
    notifier: Notifier, erp: Sink, log: Sink, observer: Counting
) -> None:
    erp.go.clear()
    notifier.take(read([*messages(0, 1), *messages(2, value=b"{")]))
    await_("it was begun", lambda: erp.begun == [0] and log.taken == [0, 1])
    notifier.lost({0})
    assert (notifier.busy, notifier.room(), notifier.letters()) == (False, 10_000, [])
    erp.go.set()
    await_("it has ended", lambda: erp.taken == [0])
    assert (low(notifier), observer.counts["handled"]) == ({}, 0)


def test_a_partition_that_comes_back_begins_anew(notifier: Notifier, erp: Sink) -> None:
    for _ in range(2):
        notifier.take(read(messages(0)))
        await_("it is done", lambda: not notifier.busy)
        assert low(notifier) == {0: 1}
        notifier.lost({0})
        notifier.assigned({0})
    assert erp.taken == [0, 0]
