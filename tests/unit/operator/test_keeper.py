"""A stopped consumer's group is renewed by turns, and only while it is stopped."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.access import Access
from eventconsumer_operator.errands import Errands, RenewGroup
from eventconsumer_operator.keeper import DAY_SECONDS, Keeper, interval, kept, turn
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.questions import Target
from tests.unit.operator.builders import NOW, UID, consumer, observation, world

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.world import World

KEY = ObjectKey("tasks", "notification-service")
KAFKA = Target(Access("127.0.0.1:9"), "task-events", "notification-service", "earliest")


def stopped(*, kept_for: float | None = None, **parts: Any) -> World:
    empty = observation(group_state="Empty", members=0, who=(), offsets_kept=kept_for)
    return world(**{"consumer": consumer(paused=True), "observation": empty} | parts)


NOT_KEPT = {
    "workers are wanted": stopped(consumer=consumer()),
    "somebody is in the group": stopped(observation=observation(group_state="Stable")),
    "the group is not known": stopped(observation=observation(group_state=None, members=None)),
    "its topic is gone": stopped(observation=observation(group_state="Empty", members=0, topic_exists=False)),
    "Kafka was not asked": stopped(observation=None),
    "the group is another's": stopped(group_owner=ObjectKey("tasks", "older")),
}


@pytest.mark.parametrize("other", NOT_KEPT.values(), ids=NOT_KEPT.keys())
def test_a_group_is_left_alone_while(other: World) -> None:
    assert not kept(other)


@pytest.mark.parametrize("spec", [{"paused": True}, {"replicas": 0}], ids=["paused", "0 replicas"])
def test_a_stopped_consumers_group_is_kept(spec: dict[str, Any]) -> None:
    assert kept(stopped(consumer=consumer(**spec)))


@pytest.mark.parametrize(
    ("kept_for", "every"),
    [(None, DAY_SECONDS), (7 * DAY_SECONDS, DAY_SECONDS), (DAY_SECONDS, 21600), (60, 15)],
)
def test_it_is_renewed_once_a_day_or_in_time(kept_for: float | None, every: float) -> None:
    assert interval(stopped(kept_for=kept_for)) == every


def test_turns_follow_each_other_and_are_spread() -> None:
    number, left = turn("a", every=DAY_SECONDS, at=1e9)

    assert turn("a", every=DAY_SECONDS, at=1e9 + left - 1)[0] == number
    assert turn("a", every=DAY_SECONDS, at=1e9 + left + 1)[0] == number + 1
    assert len({round(turn(str(uid), every=DAY_SECONDS, at=1e9)[1]) for uid in range(100)}) > 50


def looked(world: World, *, empty_since: datetime | None = None) -> tuple[list[RenewGroup], list[float]]:
    """Return what is done at Kafka, and when the resource is looked at again."""

    async def story() -> tuple[list[RenewGroup], list[float]]:
        again: list[float] = []
        errands = Errands(timeout=1.0, changed=lambda _: None)
        keeper = Keeper(errands, lambda _, seconds: again.append(seconds))
        keeper.look(KEY, world, KAFKA, empty_since=empty_since, now=NOW)
        begun = [record.errand for record in errands._records.values()]
        await keeper.stop()
        return [errand for errand in begun if isinstance(errand, RenewGroup)], again

    return asyncio.run(story())


def test_after_a_restart_a_stopped_group_is_renewed_and_looked_at_again_at_its_next_turn() -> None:
    begun, [again] = looked(stopped())

    assert [(errand.group, errand.topic) for errand in begun] == [("notification-service", "task-events")]
    assert 0 < again <= DAY_SECONDS + 1


def test_a_group_that_workers_have_just_left_waits_for_a_turn() -> None:
    begun, [again] = looked(stopped(), empty_since=NOW - timedelta(hours=1))

    assert begun == []
    assert again >= DAY_SECONDS - 3600


def test_a_group_that_workers_left_longer_ago_than_a_turn_takes_is_renewed() -> None:
    _, left = turn(UID, every=DAY_SECONDS, at=NOW.timestamp())

    begun, [again] = looked(stopped(), empty_since=NOW - timedelta(days=1))

    assert [errand.group for errand in begun] == ["notification-service"]
    assert again == left + 1


def test_a_running_consumer_is_not_looked_at_again() -> None:
    assert looked(world()) == ([], [])
