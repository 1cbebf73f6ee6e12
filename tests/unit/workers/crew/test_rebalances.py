"""What becomes of a crew's events when their partition goes, and when it comes back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from eventconsumer_workers import crew as crews
from eventconsumer_workers.handlers import Reject, Retry
from tests.unit.workers.crew.builders import Hands, await_, await_low, free_when_dropped, keyed, low
from tests.unit.workers.stand_ins import Counting, messages, read

if TYPE_CHECKING:
    import pytest

    from eventconsumer_workers.crew import Crew


def test_a_revoked_partition_finishes_what_was_begun_and_drops_the_rest(crew: Crew, hands: Hands) -> None:
    first = hands.block(0)
    crew.take(read(messages(0, 1, 2)))
    await_("it was begun", lambda: hands.begun == [0])
    free_when_dropped(crew, 1, first)
    crew.revoked({0})
    assert (hands.begun, low(crew)) == ([0], {0: 1})


def test_a_revoked_partition_finishes_what_lies_below_something_that_was_begun(
    crew: Crew, hands: Hands
) -> None:
    first, other = hands.block(0), hands.block(2)
    crew.take(read([*messages(0, 1), *keyed(2), *messages(3)]))
    await_("both threads are busy", lambda: sorted(hands.begun) == [0, 2])
    free_when_dropped(crew, 3, first, other)
    crew.revoked({0})
    assert (sorted(hands.done), low(crew)) == ([0, 1, 2], {0: 3})


def test_a_revoked_partition_waits_for_what_is_in_work_when_nothing_else_is_taken(
    crew: Crew, hands: Hands
) -> None:
    first = hands.block(0)
    crew.take(read(keyed(0)))
    await_("it was begun", lambda: hands.begun == [0])
    threading.Timer(0.01, first.set).start()
    crew.revoked({0})
    assert (hands.done, low(crew)) == ([0], {0: 1})


def test_a_revoked_partition_waits_for_an_attempt_that_is_due_soon(
    crew: Crew, hands: Hands, observer: Counting
) -> None:
    hands.outcomes = {0: [Retry("busy", seconds=0.05)]}
    crew.take(read(keyed(0)))
    await_("it is to be tried again", lambda: observer.counts["retried"] == 1)
    crew.revoked({0})
    assert (hands.done, low(crew)) == ([0], {0: 1})


def test_a_revoked_partition_does_not_wait_for_an_attempt_that_is_due_too_late(
    crew: Crew, hands: Hands, observer: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "_GRACE_SECONDS", 20.0)
    hands.outcomes = {0: [Retry("busy", seconds=1000.0)]}
    crew.take(read(keyed(0)))
    await_("it is to be tried again", lambda: observer.counts["retried"] == 1)
    revoking = threading.Thread(target=crew.revoked, args=({0},), daemon=True)
    revoking.start()
    revoking.join(5)
    assert (revoking.is_alive(), low(crew), crew.busy) == (False, {0: 0}, False)


def hold_in_work(crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the crew begin an event that does not end within its grace."""
    monkeypatch.setattr(crews, "_GRACE_SECONDS", 0.01)
    hands.block(0)
    crew.take(read(keyed(0)))
    await_("it was begun", lambda: hands.begun == [0])


def test_what_does_not_end_in_time_is_left_to_the_next_owner(
    crew: Crew, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_in_work(crew, hands, monkeypatch)
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
    hold_in_work(crew, hands, monkeypatch)
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
