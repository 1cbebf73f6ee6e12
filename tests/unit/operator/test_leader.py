"""Who may write: one candidate at a time, as long as its lease can't be another's."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator import leader
from eventconsumer_operator.leader import DURATION, HOLD, RENEW, RETRY, Election, Seen, free, held, look

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Conflict(Exception):  # noqa: N818  # reads as what happened
    expected = True


class KeptLease:
    """A lease as the API server keeps it: each change has a version, and names the one it replaces."""

    def __init__(self) -> None:
        self.kept: Manifest | None = None
        self.away = False

    async def read(self) -> Manifest | None:
        self._reach()
        return copy.deepcopy(self.kept)

    async def write(self, lease: Manifest) -> Manifest:
        self._reach()
        version = self.kept["metadata"]["resourceVersion"] if self.kept else None
        if lease["metadata"].get("resourceVersion") != version:
            raise Conflict("the lease was changed")
        self.kept = copy.deepcopy(lease) | {"metadata": {"resourceVersion": str(int(version or 0) + 1)}}
        return copy.deepcopy(self.kept)

    def _reach(self) -> None:
        if self.away:
            raise Conflict("the API server is away")

    @property
    def holder(self) -> str | None:
        return self.kept["spec"]["holderIdentity"] if self.kept else None


class Clock:
    """A clock that tests turn, and that lets everybody act at each turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._real_sleep = asyncio.sleep
        monkeypatch.setattr(leader, "_now", lambda: self.now)
        monkeypatch.setattr("eventconsumer_operator.leader.asyncio.sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, woken))
        await woken

    async def settle(self) -> None:
        for _ in range(20):
            await self._real_sleep(0)

    async def turn(self, seconds: float) -> None:
        end = self.now + seconds
        await self.settle()
        while self.now < end:
            self.now += 0.5
            due = [woken for at, woken in self._sleepers if at <= self.now]
            self._sleepers = [entry for entry in self._sleepers if entry[0] > self.now]
            for woken in due:
                if not woken.done():
                    woken.set_result(None)
            await self.settle()


class Candidate:
    def __init__(self, name: str, lease: KeptLease) -> None:
        self.election = Election(name)
        self.works = False
        self.task = asyncio.create_task(self.election.run(lease, self._work))

    async def _work(self) -> None:
        self.works = True
        try:
            await asyncio.Event().wait()
        finally:
            self.works = False

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def may_write(self) -> bool:
        return self.election.seconds_left() > 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_candidate_leads_and_goes_on_leading(clock: Clock) -> None:
    async def story() -> None:
        lease = KeptLease()
        one, other = Candidate("one", lease), Candidate("other", lease)
        for _ in range(30):
            await clock.turn(2)
            assert (one.works, one.may_write, other.works, other.may_write) == (True, True, False, False)
        await one.end()
        await other.end()

    asyncio.run(story())


def test_one_that_ends_in_good_order_is_followed_within_two_seconds(clock: Clock) -> None:
    async def story() -> None:
        lease = KeptLease()
        one, other = Candidate("one", lease), Candidate("other", lease)
        await clock.turn(5)
        await one.end()
        assert not one.may_write
        await clock.turn(2)
        assert other.works
        await other.end()
        assert lease.holder is None

    asyncio.run(story())


def test_one_that_is_cut_off_stops_before_another_begins(clock: Clock) -> None:
    async def story() -> None:
        shared, cut = KeptLease(), KeptLease()
        one = Candidate("one", cut)
        await clock.turn(RENEW + 1)
        shared.kept, cut.away = cut.kept, True
        other = Candidate("other", shared)
        for _ in range(40):
            await clock.turn(0.5)
            assert not (one.may_write and other.may_write)
        assert (one.works, other.works) == (False, True)
        await one.end()
        await other.end()

    asyncio.run(story())


def test_an_api_server_that_is_away_for_a_moment_leaves_the_leader_in_its_place(clock: Clock) -> None:
    async def story() -> None:
        lease = KeptLease()
        one = Candidate("one", lease)
        await clock.turn(1)
        for _ in range(3):
            lease.away = True
            await clock.turn(RENEW + 2)
            assert (one.works, one.may_write) == (True, True)
            lease.away = False
            await clock.turn(RENEW)
        assert (one.works, one.may_write) == (True, True)
        await one.end()

    asyncio.run(story())


def test_one_that_sees_another_in_its_place_stops_at_once(clock: Clock) -> None:
    async def story() -> None:
        lease = KeptLease()
        one = Candidate("one", lease)
        await clock.turn(1)
        await lease.write(held(await lease.read(), "other", now=NOW))
        await clock.turn(RENEW + RETRY)
        assert (one.works, one.may_write) == (False, False)
        assert lease.holder == "other"
        await one.end()

    asyncio.run(story())


@pytest.mark.parametrize("broken", ["the work", "the lease"])
def test_an_error_that_nobody_expects_ends_the_candidate(clock: Clock, broken: str) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def work() -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        lease = KeptLease()
        if broken == "the lease":
            lease.read = fail  # type: ignore[method-assign]
        run = asyncio.create_task(Election("one").run(lease, fail if broken == "the work" else work))
        await clock.settle()
        assert run.done()
        await run

    with pytest.raises(ZeroDivisionError):
        asyncio.run(story())


def test_a_crash_is_noticed_within_twenty_seconds(clock: Clock) -> None:
    async def story() -> None:
        lease = KeptLease()
        lease.kept = {"metadata": {"resourceVersion": "1"}, "spec": held(None, "dead", now=NOW)["spec"]}
        other = Candidate("other", lease)
        await clock.turn(DURATION - 1)
        before = other.works
        await clock.turn(3)
        assert (before, other.works) == (False, True)
        await other.end()

    asyncio.run(story())


def test_of_two_candidates_that_decide_on_the_same_version_one_wins() -> None:
    async def story() -> None:
        lease = KeptLease()
        await lease.write(held(None, "one", now=NOW))
        with pytest.raises(Conflict):
            await lease.write(held(None, "other", now=NOW))
        assert lease.holder == "one"

    asyncio.run(story())


def test_a_lease_is_held_for_less_time_than_it_lasts() -> None:
    assert RENEW < HOLD < DURATION


@pytest.mark.parametrize(
    ("holder", "age", "expected"),
    [("", 0.0, True), ("me", 0.0, True), ("other", 11.9, False), ("other", 12.0, True)],
    ids=["nobody's", "our own", "another's", "another's that ran out"],
)
def test_when_a_lease_may_be_taken(holder: str, age: float, expected: bool) -> None:  # noqa: FBT001  # a table
    assert free(Seen("1", holder, 12.0, since=100.0), "me", now=100.0 + age) is expected


def test_a_candidate_counts_from_when_it_first_saw_a_version() -> None:
    lease = {"metadata": {"resourceVersion": "5"}, "spec": {"holderIdentity": "other"}}
    first = look(None, lease, now=100.0)
    assert look(first, lease, now=105.0).since == 100.0
    assert look(first, lease | {"metadata": {"resourceVersion": "6"}}, now=105.0).since == 105.0


def test_a_renewal_keeps_since_when_the_lease_is_held() -> None:
    taken = held(None, "me", now=NOW)
    later = held(taken, "me", now=NOW.replace(hour=13))
    assert later["spec"]["acquireTime"] == taken["spec"]["acquireTime"] != later["spec"]["renewTime"]
    assert held(later, "other", now=NOW)["spec"]["leaseTransitions"] == 1
