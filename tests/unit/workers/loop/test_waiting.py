"""What the loop waits for and how long, what it says meanwhile, and that it stays a member of its group."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from eventconsumer_workers import loop
from eventconsumer_workers.batches import Batches
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.health import Pulse
from tests.unit.workers.loop.builders import Clock, Events, follow, worked
from tests.unit.workers.stand_ins import Counting, Handling, Membership, messages, read

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.broker import Listener
    from eventconsumer_workers.handlers import Batch


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


def pauses(caplog: pytest.LogCaptureFixture) -> list[float]:
    """Return the seconds after which the worker said that it would try again."""
    told: list[Any] = [one.args for one in caplog.records if "next attempt in" in one.message]
    return [seconds for _, seconds in told]


def obstacles(count: int) -> list[NotDone]:
    return [NotDone("no database")] * count


def test_pauses_grow_to_the_longest_and_no_further(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "_LONGEST_PAUSE_SECONDS", 0.004)
    grown, waited = [0.001, 0.002, 0.004, 0.004], list[float]()
    membership = Membership()
    monkeypatch.setattr(membership.stop, "wait", waited.append)
    worked(membership, Handling(assignments=obstacles(4)))
    assert (pauses(caplog), waited) == (grown, grown)
    worked(Membership(messages(0)), Handling(*obstacles(4)))
    assert pauses(caplog) == 2 * grown


def test_a_message_that_can_be_read_ends_the_growth_of_the_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "_LONGEST_PAUSE_SECONDS", 0.004)
    answers = deque([*obstacles(4), None, *obstacles(1)])

    def reading(records: Any) -> Any:
        if (obstacle := answers.popleft() if answers else None) is not None:
            raise obstacle
        return read(records)

    worked(Membership(messages(0), messages(1)), Handling(), reading=reading)
    assert pauses(caplog) == [0.001, 0.002, 0.004, 0.004, 0.001]


def test_a_worker_that_waits_for_minutes_before_it_can_take_over_is_alive() -> None:
    clock, seen = Clock(), []
    pulse = Pulse(clock.monotonic)

    class Unready(Handling):
        @override
        def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
            clock.now += 50
            seen.append(pulse.alive())
            return super().assigned(partitions)

    membership, handler = Membership(), Unready(assignments=obstacles(3))
    follow(membership, Batches(handler, Counting(), membership.sure), Counting(), pulse=pulse)
    assert seen == [(True, "the loop turns")] * 4


def test_a_worker_that_waits_for_minutes_with_work_in_hand_is_alive() -> None:
    clock, seen = Clock(), []
    pulse = Pulse(clock.monotonic)
    membership = Membership(messages(0))

    class Waiting(Handling):
        @override
        def handle(self, batch: Any) -> None:
            if membership.during_hold:
                raise NotDone("no database")
            super().handle(batch)

    def pass_(_: Listener) -> None:
        clock.now += 50
        seen.append(pulse.alive())

    membership.during_hold += [pass_] * 4
    follow(membership, Batches(Waiting(), Counting(), membership.sure), Counting(), pulse=pulse)
    assert seen == [(True, "the loop turns")] * 4


@pytest.mark.parametrize(("busy", "confirmed"), [(True, 1), (False, 0)])
def test_while_work_goes_on_who_is_unsure_asks_its_group_though_no_message_comes(
    *, busy: bool, confirmed: int
) -> None:
    membership = Membership([], [])
    membership.certain = False
    follow(membership, Events(busy=busy), Counting())
    assert membership.confirmed == confirmed


def test_room_is_waited_for_and_after_two_seconds_as_a_member_that_polls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, steps = Clock(), []
    monkeypatch.setattr(loop, "time", clock)
    membership, work = Membership([]), Events(0, 0, 0, 0, 1, 0)

    def wait() -> None:
        steps.append("wait")
        clock.now += 1

    work.awaited = wait
    membership.during_hold += [lambda _: steps.append("poll")] * 9
    follow(membership, work, Counting())
    assert steps == ["wait", "wait", "poll", "poll", "wait"]
