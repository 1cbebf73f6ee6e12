"""What a crew decides about each event: done, again, or set aside; and how many it takes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers import crew as crews
from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED
from eventconsumer_workers.handlers import NotDone, Reject, Retry
from tests.unit.workers.crew.builders import (
    Hands,
    await_,
    await_letters,
    await_low,
    free_when_dropped,
    keyed,
    low,
    told,
)
from tests.unit.workers.stand_ins import Counting, messages, read

if TYPE_CHECKING:
    from eventconsumer_workers.crew import Crew


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


@pytest.mark.parametrize("outcome", [Retry("busy", seconds=3600.0), NotDone("no database")])
def test_the_next_attempt_is_no_sooner_than_the_handler_wishes_or_the_obstacle_allows(
    crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch, outcome: Exception
) -> None:
    monkeypatch.setattr(crews, "_OBSTACLE_SECONDS", 3600.0)
    before = time.monotonic()
    hands.outcomes = {0: [outcome]}
    crew.take(read(keyed(0)))
    await_("the attempt has ended", lambda: hands.begun and crew._working == 0)
    assert (crew._lanes.next_start() or 0.0) - before >= 3600.0
    crew.lost({0})


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


def test_a_crew_with_a_letter_that_nobody_has_asked_for_yet_is_busy(crew: Crew) -> None:
    crew.take(read(messages(0, value=b"{")))
    assert crew.busy


def test_the_events_that_wait_are_told(crew: Crew, hands: Hands, observer: Counting) -> None:
    first = hands.block(0)
    crew.take(read(messages(0, 1, 2)))
    assert observer.counts["queued"] == 3
    first.set()
    await_low(crew, 3)
    assert observer.counts["queued"] == 0


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
    free_when_dropped(crew, 1, first)
    crew.finish()
    assert (hands.done, low(crew)) == ([0], {0: 1})
