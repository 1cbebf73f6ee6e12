"""The lag of real groups on a real broker, as the poller sees it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from eventconsumer_operator.access import Access
from eventconsumer_operator.broker import Broker
from eventconsumer_operator.lag import Lag, LagState
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.questions import Target
from eventconsumer_operator.refusals import Unreachable
from tests.integration.operator.following import (
    KEY,
    commit,
    member,
    observe,
    observed,
    polling,
    produce,
    target,
)
from tests.support.topics import add_partitions

if TYPE_CHECKING:
    from dev.kafka import LocalBroker
    from eventconsumer_operator.world import Observation
    from tests.integration.conftest import MakeTopic

OTHER = ObjectKey("tasks", "other")


def test_lag_is_what_is_produced_and_not_committed(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, partition=0, count=10)
    produce(broker, topic, partition=2, count=5)
    commit(broker, topic, partition=0, offset=4)

    seen = observe(target(broker, topic))

    assert seen.lag == Lag(LagState.KNOWN, total=11, highest=6, partitions=3)


def test_an_empty_topic_has_no_lag_and_its_group_nobody(broker: LocalBroker, topic: str) -> None:
    seen = observe(target(broker, topic))

    assert (seen.lag.total, seen.behind_seconds, seen.members) == (0, 0, 0)


def test_a_group_that_starts_from_the_latest_record_says_that_it_has_not_committed(
    broker: LocalBroker, topic: str
) -> None:
    produce(broker, topic, count=10)

    seen = observe(target(broker, topic, "latest"))

    assert (seen.lag.state, seen.lag.total) == (LagState.UNCOMMITTED, 0)


def test_behind_is_the_age_of_the_oldest_unread_record(broker: LocalBroker, topic: str) -> None:
    before = time.time()
    produce(broker, topic, partition=0, count=2)
    produce(broker, topic, partition=1, count=2)

    seen = observe(target(broker, topic), lambda seen: (seen.behind_seconds or 0) >= 2)

    assert 2 <= (seen.behind_seconds or 0) <= time.time() - before + 1


def test_two_groups_at_different_offsets_of_one_partition_are_both_told_how_far_behind_they_are(
    broker: LocalBroker, topic: str
) -> None:
    produce(broker, topic, count=4)
    commit(broker, topic, partition=0, offset=2)
    fresh = Target(Access(broker.bootstrap_servers), topic, f"{topic}-fresh", "earliest")

    async def story() -> list[int | None]:
        async with polling((KEY, target(broker, topic)), (OTHER, fresh)) as poller:
            known = [
                await observed(poller, key, lambda seen: seen.behind_seconds is not None)
                for key in (KEY, OTHER)
            ]
            return [seen.lag.total for seen in known]

    assert asyncio.run(story()) == [2, 4]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_are_counted_in_both_group_protocols(broker: LocalBroker, topic: str, protocol: str) -> None:
    member = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": topic, "group.protocol": protocol}
    )
    member.subscribe([topic])
    deadline = time.monotonic() + 30
    while not member.assignment() and time.monotonic() < deadline:
        member.poll(0.2)

    seen = observe(target(broker, topic), lambda seen: seen.group_state == "Stable")
    member.close()

    assert seen.members == 1


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_that_only_the_operator_visits_is_empty(
    broker: LocalBroker, topic: str, protocol: str
) -> None:
    settings = {"group.protocol": protocol}
    with member(broker, topic, client_id="eventconsumer-operator", **settings):
        seen = observe(target(broker, topic), lambda seen: seen.group_state == "Empty")

    assert seen.members == 0


def test_a_topic_that_does_not_exist_is_absent_and_not_made(broker: LocalBroker) -> None:
    seen = observe(target(broker, "nobody-made-this"))

    assert (seen.topic_exists, seen.lag) == (False, Lag(LagState.UNKNOWN))
    listed = AdminClient({"bootstrap.servers": broker.bootstrap_servers}).list_topics(timeout=30).topics
    assert "nobody-made-this" not in listed


def test_peeking_at_records_leaves_no_group_behind(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=1)

    observe(target(broker, topic), lambda seen: seen.behind_seconds is not None)

    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    groups = admin.list_consumer_groups().result()
    assert not groups.errors
    assert "eventconsumer-operator" not in {group.group_id for group in groups.valid}


@pytest.mark.parametrize(("leave", "come_back"), [("pause", "resume"), ("stop", "start")])
def test_a_broker_that_is_away_makes_lag_unknown_and_its_return_makes_it_known(
    broker: LocalBroker, make_topic: MakeTopic, leave: str, come_back: str
) -> None:
    topic = make_topic(1)
    produce(broker, topic, count=7)

    async def story() -> list[Observation]:
        async with polling((KEY, target(broker, topic))) as poller:
            before = await observed(poller, KEY, lambda seen: seen.lag.total == 7)
            getattr(broker, leave)()
            try:
                away = await observed(poller, KEY, lambda seen: seen.lag.state is LagState.UNKNOWN)
            finally:
                await asyncio.to_thread(getattr(broker, come_back))
            return [before, away, await observed(poller, KEY, lambda seen: seen.lag.total == 7)]

    _, away, _ = asyncio.run(story())
    assert (away.lag, away.topic_exists, away.behind_seconds) == (Lag(LagState.UNKNOWN), None, None)


def test_a_cluster_that_is_down_does_not_delay_the_lag_of_another(broker: LocalBroker, topic: str) -> None:
    down = Target(Access("127.0.0.1:9"), "task-events", "g", "earliest")

    async def story() -> None:
        async with polling((OTHER, down), (KEY, target(broker, topic)), patience=25) as poller:
            await observed(poller, KEY, lambda seen: seen.lag.state is LagState.KNOWN, within=20)
            assert poller.observation(OTHER) is None

    asyncio.run(story())


def test_a_question_to_a_cluster_that_is_down_ends_in_time() -> None:
    async def story() -> None:
        down = Broker(Access("127.0.0.1:9"), timeout=1.0)
        async with asyncio.timeout(10):
            await down.partitions(["task-events"])

    with pytest.raises(Unreachable):
        asyncio.run(story())


def test_partitions_that_are_added_count_at_once_with_all_that_is_in_them(
    broker: LocalBroker, topic: str
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})

    async def story() -> tuple[Observation, Observation]:
        async with polling((KEY, target(broker, topic))) as poller:
            before = await observed(poller, KEY, lambda seen: seen.lag.total is not None)
            await asyncio.to_thread(add_partitions, admin, topic, total=5)
            await asyncio.to_thread(produce, broker, topic, partition=4, count=7)
            return before, await observed(
                poller, KEY, lambda seen: seen.lag.partitions == 5 and seen.lag.total == 7
            )

    before, after = asyncio.run(story())
    assert (before.lag.partitions, before.lag.total) == (3, 0)
    assert (after.lag.partitions, after.lag.total) == (5, 7)


@pytest.mark.parametrize("name", ["..", "t" * 250])
def test_a_name_that_no_topic_can_have_leaves_the_lag_of_others_known(
    broker: LocalBroker, topic: str, name: str
) -> None:
    async def story() -> tuple[Observation, Observation]:
        wanted = target(broker, topic, dead_letter_topic=name)
        async with polling((KEY, wanted), (OTHER, target(broker, name))) as poller:
            known = await observed(poller, KEY, lambda seen: seen.lag.state is LagState.KNOWN)
            return known, await observed(poller, OTHER, lambda _: True)

    fine, wrong = asyncio.run(story())
    assert (fine.lag, fine.dead_letters) == (Lag(LagState.KNOWN, total=0, highest=0, partitions=3), None)
    assert (wrong.lag, wrong.topic_exists) == (Lag(LagState.UNKNOWN), False)
