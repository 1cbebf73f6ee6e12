"""A worker is sure of its partitions only for as long as nobody else can have them."""

from __future__ import annotations

from eventconsumer_workers.lease import Lease


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_ours_before_the_group_said_so() -> None:
    lease = Lease(8, Clock())
    assert not lease.holds()


def test_a_lease_is_fresh_for_half_its_time_and_holds_for_all_of_it() -> None:
    clock = Clock()
    lease = Lease(8, clock)
    lease.renew()
    clock.now += 3.9
    assert (lease.fresh(), lease.holds()) == (True, True)
    clock.now += 4
    assert (lease.fresh(), lease.holds()) == (False, True)
    clock.now += 0.2
    assert (lease.fresh(), lease.holds()) == (False, False)


def test_an_answer_holds_from_when_the_question_was_asked() -> None:
    clock = Clock()
    lease = Lease(8, clock)
    lease.ask()
    clock.now += 7
    lease.answered(yes=True)
    assert (lease.fresh(), lease.holds()) == (False, True)


def test_a_refusal_confirms_nothing() -> None:
    lease = Lease(8, Clock())
    lease.ask()
    lease.answered(yes=False)
    assert not lease.holds()


def test_a_question_under_way_is_not_asked_again_at_once() -> None:
    clock = Clock()
    lease = Lease(8, clock)
    lease.ask()
    assert lease.asked_just_now()
    clock.now += 1
    assert not lease.asked_just_now()
