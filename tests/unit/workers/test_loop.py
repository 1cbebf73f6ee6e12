"""What the loop decides: what is committed and when, and what becomes of partitions that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from eventconsumer_workers import letterbox, loop
from eventconsumer_workers.batches import Batches
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.health import Pulse
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.loop import Loop, Surroundings
from tests.unit.workers.stand_ins import Counting, Handling, Membership, Topic, messages, read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.broker import Listener
    from eventconsumer_workers.handlers import Batch

NEVER = 3600.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each turn commit, and pauses be over soon."""
    monkeypatch.setattr(loop, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """Return the dead-letter topic."""
    found = Topic()
    monkeypatch.setattr(letterbox, "Producer", lambda *_, **__: found)
    return found


def worked(
    membership: Membership,
    handler: Handling,
    *,
    reading: Callable[..., Any] = read,
    pulse: Pulse | None = None,
) -> Pulse:
    """Run a worker to its end."""
    observer: Any = Counting()
    pulse = pulse or Pulse()
    member: Any = membership
    Loop(
        member,
        Batches(handler, observer, membership.sure),
        LetterBox(Settings(kind=Kind.AUDIT), observer),
        read=reading,
        around=Surroundings(observer, pulse, membership.stop),
    ).run()
    return pulse


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


def test_who_is_unsure_of_its_membership_asks_before_it_begins() -> None:
    membership, handler = Membership(messages(0)), Handling()
    membership.certain = False
    worked(membership, handler)
    assert (membership.confirmed, handler.handled) == (1, [(0, 0)])


class Looking(Handling):
    """Notes what the worker says about itself at the begin of each attempt."""

    def __init__(self, *outcomes: Exception, assignments: Sequence[Exception] = ()) -> None:
        super().__init__(*outcomes, assignments=assignments)
        self.pulse = Pulse()
        self.pulse.turn(joined=True)
        self.seen: list[str] = []

    def look(self) -> None:
        self.seen.append(self.pulse.ready()[1])

    @override
    def handle(self, batch: Batch) -> None:
        self.look()
        super().handle(batch)

    @override
    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        if self._assignments:
            self.look()
        return super().assigned(partitions)


def test_a_worker_says_what_it_waits_for_until_an_attempt_succeeds() -> None:
    handler = Looking(NotDone("no room"), NotDone("no disk"))
    pulse = worked(Membership(messages(0)), handler, pulse=handler.pulse)
    assert handler.seen == ["the loop turns", "waiting: no room", "waiting: no disk"]
    assert pulse.ready() == (True, "the loop turns")


def test_a_worker_that_takes_partitions_over_says_what_it_waits_for_until_it_has_them() -> None:
    handler = Looking(assignments=[NotDone("no database"), NotDone("no answer")])
    worked(Membership(), handler, pulse=handler.pulse)
    assert handler.seen == ["the loop turns", "waiting: no database"]


def test_a_worker_that_can_not_read_says_so_until_it_can_or_has_nothing_to_read() -> None:
    handler = Looking()

    def nothing(_: Listener) -> list[Message]:
        handler.look()
        return []

    membership = Membership(messages(0), nothing, messages(1))
    faults = [NotDone("no registry")] * 3

    def reading(records: Any) -> Any:
        handler.look()
        if len(faults) == 1:
            # Its partition goes, and with it what could not be read.
            membership.during_hold.append(lambda _: membership.put_back([]))
        if faults:
            raise faults.pop()
        return read(records)

    pulse = worked(membership, handler, reading=reading, pulse=handler.pulse)
    waiting = "waiting: no registry"
    assert handler.seen[:4] == ["the loop turns", waiting, waiting, waiting]
    assert set(handler.seen[4:]) == {"the loop turns"}
    assert pulse.ready() == (True, "the loop turns")


def test_an_idle_worker_sends_commits_again_that_failed() -> None:
    membership = Membership([], [])
    worked(membership, Handling())
    assert (membership.commits > 1, membership.committed) == (True, {})


def test_a_handler_that_breaks_ends_the_worker_without_a_commit_and_it_leaves_its_group() -> None:
    membership = Membership(messages(0))
    with pytest.raises(ZeroDivisionError):
        worked(membership, Handling(ZeroDivisionError()))
    assert (membership.committed, membership.closed) == ({}, True)
