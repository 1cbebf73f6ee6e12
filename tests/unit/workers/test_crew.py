"""What a crew decides about each event: done, again, set aside, or dropped because its partition is gone."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers import crew as crews
from eventconsumer_workers.crew import Crew
from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED
from eventconsumer_workers.handlers import NotDone, Reject, Retry
from eventconsumer_workers.retry import Backoff
from tests.support.eventually import eventually
from tests.unit.workers.stand_ins import Counting, messages, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import Delivery


class Hands:
    """A handler whose attempts end as ``outcomes`` says by offset, and wait where ``blocked`` does."""

    def __init__(self) -> None:
        self.outcomes: dict[int, list[BaseException]] = {}
        self.blocked: dict[int, threading.Event] = {}
        self.given: list[Delivery] = []
        self.begun: list[int] = []
        self.done: list[int] = []

    def block(self, offset: int) -> threading.Event:
        """Let an attempt wait until the flag is raised."""
        return self.blocked.setdefault(offset, threading.Event())

    def deliver(self, delivery: Delivery) -> None:
        """Handle one event."""
        offset = delivery.record.offset() or 0
        self.given.append(delivery)
        self.begun.append(offset)
        if offset in self.blocked:
            assert self.blocked[offset].wait(30)
        if self.outcomes.get(offset):
            raise self.outcomes[offset].pop(0)
        self.done.append(offset)

    def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def observer() -> Counting:
    return Counting()


@pytest.fixture
def sure() -> list[bool]:
    """Return answers to whether the partitions are ours; after the last one, they are."""
    return []


@pytest.fixture
def crew(
    hands: Hands, observer: Counting, sure: list[bool], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Crew]:
    """Return two threads that have partition 0."""
    monkeypatch.setattr(crews, "_OBSTACLE_SECONDS", 0.001)
    made = Crew(
        hands,
        concurrency=2,
        backoff=Backoff(attempts=3, initial=0.001, longest=0.001),
        observer=observer,
        still_ours=lambda: sure.pop() if sure else True,
    )
    made.assigned({0})
    yield made
    for flag in hands.blocked.values():
        flag.set()
    made.finish()


def keyed(*offsets: int) -> list[Message]:
    """Return events of keys of their own."""
    return [one for offset in offsets for one in messages(offset, key=b"key %d" % offset)]


def low(crew: Crew) -> dict[int, int]:
    return {place.partition: place.offset for place in crew.progress()}


def await_low(crew: Crew, offset: int) -> None:
    eventually("it is done", lambda: low(crew), until={0: offset}.__eq__, every=0.001)


def await_(what: str, probe: Callable[[], object]) -> None:
    eventually(what, probe, every=0.001)


def await_letters(crew: Crew, count: int) -> list[Letter]:
    found: list[Letter] = []

    def enough() -> bool:
        found.extend(crew.letters())
        return len(found) == count

    await_("letters", enough)
    return found


def told(letters: Sequence[Letter]) -> list[tuple[str, str, int]]:
    return [(letter.cause, letter.error, letter.attempts) for letter in letters]


def test_progress_waits_for_the_slowest_event_and_other_keys_do_not(crew: Crew, hands: Hands) -> None:
    slow = hands.block(0)
    crew.take(read(keyed(0, 1, 2)))
    await_("the others are done", lambda: hands.done == [1, 2])
    assert (low(crew), crew.busy) == ({0: 0}, True)
    slow.set()
    await_low(crew, 3)
    assert (low(crew), crew.busy) == ({}, False)


def test_events_of_a_key_wait_for_each_other(crew: Crew, hands: Hands) -> None:
    first = hands.block(0)
    crew.take(read([*messages(0, 1), *keyed(2)]))
    await_("the other key is done", lambda: hands.done == [2])
    assert hands.begun.count(1) == 0
    first.set()
    await_low(crew, 3)
    assert hands.done == [2, 0, 1]


def test_an_event_is_tried_again_until_its_attempts_are_used_up(
    crew: Crew, hands: Hands, observer: Counting
) -> None:
    hands.outcomes = {0: [Retry("busy"), ValueError("odd")], 1: [Retry("no")] * 3}
    crew.take(read(keyed(0, 1)))
    assert told(await_letters(crew, 1)) == [(EXHAUSTED, "no", 3)]
    await_("the other is done", lambda: hands.done == [0])
    assert observer.counts["retried"] == 4


def test_an_exit_or_a_cancellation_is_a_failed_attempt_like_any_other(crew: Crew, hands: Hands) -> None:
    hands.outcomes = {0: [SystemExit("bye")] * 3, 1: [asyncio.CancelledError()] * 2}
    crew.take(read(keyed(0, 1, 2)))
    assert told(await_letters(crew, 1)) == [(EXHAUSTED, "SystemExit: bye", 3)]
    await_("the others are done", lambda: sorted(hands.done) == [1, 2])


def test_a_dead_letter_holds_its_offset_until_the_topic_has_it(crew: Crew, hands: Hands) -> None:
    hands.outcomes = {0: [Reject("never")]}
    crew.take(read([*keyed(0), *messages(1, value=b"{")]))
    letters = sorted(await_letters(crew, 2), key=lambda letter: letter.record.offset() or 0)
    assert [(cause, attempts) for cause, _, attempts in told(letters)] == [(REJECTED, 1), (MALFORMED, 0)]
    letters[0].number, letters[1].number = 1, 2
    crew.settled(set[int]().__contains__)
    assert (low(crew), crew.busy) == ({0: 0}, True)
    crew.settled({1}.__contains__)
    assert low(crew) == {0: 1}
    crew.settled({2}.__contains__)
    assert (low(crew), crew.busy) == ({0: 2}, False)


def test_an_obstacle_counts_as_no_attempt(crew: Crew, hands: Hands, observer: Counting) -> None:
    hands.outcomes = {0: [NotDone("no database")] * 5}
    crew.take(read(keyed(0)))
    await_low(crew, 1)
    assert (len(hands.begun), observer.counts["retried"], crew.letters()) == (6, 0, [])


def test_no_attempt_begins_while_it_is_unsure_whose_the_partition_is(
    crew: Crew, hands: Hands, sure: list[bool]
) -> None:
    sure += [False, False]
    crew.take(read(keyed(0)))
    await_low(crew, 1)
    assert (hands.begun, sure) == ([0], [])


def test_a_revoked_partition_finishes_what_was_begun_and_drops_the_rest(crew: Crew, hands: Hands) -> None:
    first = hands.block(0)
    crew.take(read(messages(0, 1, 2)))
    await_("it was begun", lambda: hands.begun == [0])
    threading.Timer(0.01, first.set).start()
    crew.revoked({0})
    assert (hands.begun, low(crew)) == ([0], {0: 1})


def test_a_revoked_partition_finishes_what_lies_below_something_that_was_begun(
    crew: Crew, hands: Hands
) -> None:
    first, other = hands.block(0), hands.block(2)
    crew.take(read([*messages(0, 1), *keyed(2), *messages(3)]))
    await_("both threads are busy", lambda: sorted(hands.begun) == [0, 2])
    for flag in (first, other):
        threading.Timer(0.01, flag.set).start()
    crew.revoked({0})
    assert (sorted(hands.done), low(crew)) == ([0, 1, 2], {0: 3})


def test_what_does_not_end_in_time_is_left_to_the_next_owner(
    crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "_GRACE_SECONDS", 0.01)
    hands.block(0)
    crew.take(read(keyed(0)))
    await_("it was begun", lambda: hands.begun == [0])
    assert hands.given[0].still_ours()
    crew.revoked({0})
    assert low(crew) == {0: 0}
    assert not hands.given[0].still_ours()


def test_what_is_not_begun_once_its_partition_is_gone_is_not_done(crew: Crew, hands: Hands) -> None:
    crew.revoked({0})
    crew.take(read(keyed(0)))
    await_("nothing is in work", lambda: not crew.busy)
    assert (hands.begun, low(crew)) == ([], {0: 0})


def test_what_does_not_end_in_time_is_waited_for_once(
    crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "_GRACE_SECONDS", 0.01)
    hands.block(0)
    crew.take(read(keyed(0)))
    await_("it was begun", lambda: hands.begun == [0])
    crew.finish()
    monkeypatch.setattr(crews, "_GRACE_SECONDS", 10.0)
    started = time.monotonic()
    crew.revoked({0})
    assert time.monotonic() - started < 5


def test_a_lost_partition_is_worked_on_no_more_and_tells_no_progress(crew: Crew, hands: Hands) -> None:
    first = hands.block(0)
    hands.outcomes = {0: [Reject("never")]}
    crew.take(read([*messages(0, 1), *keyed(2)]))
    await_("it was begun", lambda: hands.begun == [0, 2])
    crew.lost({0})
    first.set()
    await_("nothing is in work", lambda: not crew.busy)
    assert (hands.begun, crew.letters(), low(crew)) == ([0, 2], [], {})


def test_letters_of_a_lost_partition_are_not_sent(crew: Crew) -> None:
    crew.take(read(messages(0, value=b"{")))
    crew.lost({0})
    assert (crew.letters(), crew.busy) == ([], False)


def test_a_partition_that_comes_back_begins_anew(crew: Crew, hands: Hands) -> None:
    crew.take(read(keyed(0)))
    await_low(crew, 1)
    crew.lost({0})
    crew.assigned({0})
    crew.take(read(keyed(0)))
    await_low(crew, 1)
    assert hands.done == [0, 0]


def test_messages_of_partitions_that_are_not_ours_are_passed_by(crew: Crew, hands: Hands) -> None:
    crew.take(read([*messages(4, partition=1), *keyed(0)]))
    await_low(crew, 1)
    assert hands.begun == [0]


def test_a_crew_that_holds_enough_takes_no_more(
    crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "_MOST_EVENTS", 3)
    first = hands.block(0)
    assert crew.room() == 3
    crew.take(read(messages(0, 1, 2)))
    assert crew.room() == 0
    first.set()
    crew.await_room(30)
    assert crew.room() > 1


def test_large_events_fill_a_crew_sooner(crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "_MOST_BYTES", 100)
    hands.block(0)
    crew.take(read(messages(0)))
    assert crew.room() == 0


def test_the_end_finishes_what_was_begun(crew: Crew, hands: Hands) -> None:
    first = hands.block(0)
    crew.take(read(messages(0, 1)))
    await_("it was begun", lambda: hands.begun == [0])
    threading.Timer(0.01, first.set).start()
    crew.finish()
    assert (hands.done, low(crew)) == ([0], {0: 1})
