"""What the loop decides: what is committed and when, and what becomes of partitions that come and go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_workers import loop
from eventconsumer_workers.batches import Batches
from eventconsumer_workers.dead_letters import Letter
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.sorting import sort
from tests.unit.workers.loop.builders import Events, follow, worked
from tests.unit.workers.stand_ins import Counting, Handling, Membership, Topic, messages, read

if TYPE_CHECKING:
    from confluent_kafka import Message

    from eventconsumer_workers.broker import Listener


NEVER = 3600.0


def test_what_was_handled_is_committed_and_the_group_left() -> None:
    membership, handler = Membership(messages(3, 4), messages(9, partition=1)), Handling()
    worked(membership, handler)
    assert handler.handled == [(0, 3), (0, 4), (1, 9)]
    assert (membership.committed, membership.closed) == ({0: 5, 1: 10}, True)


def test_a_handler_that_knows_better_than_kafka_says_where_to_begin() -> None:
    membership = Membership()
    worked(membership, Handling())
    assert membership.begun_at == {0: 7, 1: 7}


def test_partitions_are_taken_over_when_the_obstacle_is_gone() -> None:
    membership = Membership()
    pulse = worked(membership, Handling(assignments=[NotDone("no database"), NotDone("no database")]))
    assert membership.begun_at == {0: 7, 1: 7}
    assert pulse.ready() == (True, "the loop turns")


def test_who_is_told_to_stop_does_not_wait_for_an_obstacle() -> None:
    membership = Membership()
    membership.stop.set()
    worked(membership, Handling(assignments=[NotDone("no database")]))
    assert (membership.begun_at, membership.closed) == ({}, True)


def test_work_that_is_not_done_is_asked_for_again_and_committed_only_then() -> None:
    membership = Membership(messages(0, 1))
    handler = Handling(NotDone("the disk is full"), NotDone("the disk is full"))
    seen: list[dict[int, int]] = []
    membership.during_hold += [lambda _: seen.append(dict(membership.committed))]
    worked(membership, handler)
    assert (handler.calls, handler.handled, seen) == (3, [(0, 0), (0, 1)], [{}])
    assert membership.committed == {0: 2}


def test_what_is_not_done_when_the_worker_ends_is_not_committed() -> None:
    membership = Membership(messages(0, 1))
    membership.during_hold.append(lambda _: membership.stop.set())
    worked(membership, Handling(NotDone("the disk is full")))
    assert (membership.committed, membership.closed) == ({}, True)


def test_a_partition_lost_while_work_waits_is_neither_worked_on_nor_committed() -> None:
    membership = Membership([*messages(0, 1), *messages(5, partition=1)])
    handler = Handling(NotDone("the disk is full"))
    membership.during_hold.append(lambda listener: listener.lost({0}))
    worked(membership, handler)
    assert (handler.handled, membership.committed) == ([(1, 5)], {1: 6})
    assert handler.gone == [("lost", {0})]


def test_a_partition_lost_while_its_commit_waits_for_letters_is_not_committed(topic: Topic) -> None:
    topic.answers = False

    def lost(listener: Listener) -> list[Message]:
        listener.lost({0})
        topic.answers = True
        return []

    membership = Membership(
        [*messages(0), *messages(1, value=b"{"), *messages(5, partition=1)],
        [],
        lost,
        messages(6, partition=1),
    )
    worked(membership, Handling())
    assert membership.committed == {1: 7}


def test_a_partition_revoked_while_work_waits_is_given_back_undone() -> None:
    membership = Membership([*messages(0, 1), *messages(5, partition=1)])
    handler = Handling(NotDone("the disk is full"))
    membership.during_hold.append(lambda _: membership.revoke(0))
    worked(membership, handler)
    assert (handler.handled, membership.given_back, membership.committed) == ([(1, 5)], {}, {1: 6})


def test_a_revoked_partition_takes_along_how_far_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_COMMIT_SECONDS", NEVER)
    membership = Membership(messages(0, 1))
    membership.then_revoke(0)
    worked(membership, Handling())
    assert (membership.given_back, membership.committed) == ({0: 2}, {})


def test_a_lost_partition_takes_nothing_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_COMMIT_SECONDS", NEVER)

    def lost(listener: Listener) -> list[Message]:
        listener.lost({0})
        return []

    membership = Membership([*messages(0, 1), *messages(5, partition=1)], lost)
    worked(membership, Handling())
    assert membership.committed == {1: 6}


def test_a_commit_waits_for_the_letters_before_it_and_messages_flow_meanwhile(topic: Topic) -> None:
    topic.answers = False
    seen: list[dict[int, int]] = []

    def answering(_: Listener) -> list[Message]:
        seen.append(dict(membership.committed))
        topic.answers = True
        return messages(3)

    membership = Membership([*messages(0), *messages(1, value=b"{")], messages(2), answering)
    handler = Handling()
    worked(membership, handler)
    assert (seen, handler.handled) == ([{}], [(0, 0), (0, 2), (0, 3)])
    assert (topic.taken, membership.committed) == ([b"{"], {0: 4})


def test_letters_that_nobody_takes_keep_their_messages_with_the_group(topic: Topic) -> None:
    topic.answers = False
    membership = Membership(messages(0, value=b"{"))
    membership.then_revoke(0)
    worked(membership, Handling())
    assert (membership.given_back, membership.committed, membership.closed) == ({}, {}, True)


def test_messages_that_can_not_be_read_now_are_put_back_and_read_later() -> None:
    faults = [NotDone("the registry does not answer")] * 2

    def reading(records: Any) -> Any:
        if faults:
            raise faults.pop()
        return read(records)

    membership, handler = Membership(messages(0, 1)), Handling()
    worked(membership, handler, reading=reading)
    assert (handler.handled, membership.committed) == ([(0, 0), (0, 1)], {0: 2})


def test_what_there_was_no_time_to_read_is_put_back_and_read_in_the_next_turn() -> None:
    membership, handler = Membership(messages(0, 1, 2)), Handling()
    worked(membership, handler, reading=lambda records: read(records[:1]))
    assert (handler.handled, membership.committed) == ([(0, 0), (0, 1), (0, 2)], {0: 3})


def test_an_idle_worker_sends_commits_again_that_failed() -> None:
    membership = Membership([], [])
    worked(membership, Handling())
    assert (membership.commits > 1, membership.committed) == (True, {})


def test_a_handler_that_breaks_ends_the_worker_without_a_commit_and_it_leaves_its_group() -> None:
    membership = Membership(messages(0))
    with pytest.raises(ZeroDivisionError):
        worked(membership, Handling(ZeroDivisionError()))
    assert (membership.committed, membership.closed) == ({}, True)


def test_what_is_set_aside_at_the_end_is_sent_and_committed(topic: Topic) -> None:
    (message,) = messages(4)
    membership = Membership()
    follow(membership, Events(last=Letter(message, "never")), Counting())
    assert (len(topic.taken), membership.committed) == (1, {0: 5})


def test_letters_that_are_not_answered_in_time_hold_the_commit(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_LETTER_SECONDS", 0.0)
    topic.answers = False
    membership = Membership(messages(0, value=b"{"))
    membership.during_hold.append(lambda _: membership.stop.set())
    worked(membership, Handling())
    assert membership.committed == {}


def test_the_number_of_partitions_is_told_as_they_come_and_go() -> None:
    observer, seen = Counting(), []

    def lost(listener: Listener) -> list[Message]:
        seen.append(observer.partitions)
        listener.lost({0})
        seen.append(observer.partitions)
        return []

    membership = Membership(lost)
    membership.then_revoke(1)
    follow(membership, Batches(Handling(), observer, membership.sure), observer)
    assert (seen, observer.partitions) == ([2, 1], 0)


def test_events_of_types_that_are_not_wanted_are_counted_and_committed() -> None:
    membership, handler, observer = Membership(messages(0, 1)), Handling(), Counting()
    work = Batches(handler, observer, membership.sure)
    follow(membership, work, observer, reading=partial(sort, wanted=frozenset({"task.updated"})))
    assert (handler.handled, observer.counts["filtered"], membership.committed) == ([], 2, {0: 2})
