"""Offsets of an empty group on a real broker that forgets them after a minute, kept and not kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition

from dev.kafka import LocalBroker
from eventconsumer_operator.access import Access
from eventconsumer_operator.errands import Errands
from eventconsumer_operator.keeper import Keeper, kept
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.questions import Target
from tests.integration.operator.following import polling
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually
from tests.unit.operator.builders import consumer, world

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "kept-events"
CLASSIC = {"partition.assignment.strategy": "cooperative-sticky"}
NEWER = {"group.protocol": "consumer"}
PROTOCOLS = {"classic": CLASSIC, "newer": NEWER}
AS_THEY_WERE: dict[int, tuple[int, str | None]] = {0: (4, "mark"), 1: (2, "mark")}


@pytest.fixture(scope="module")
def forgetful() -> Iterator[LocalBroker]:
    """Run a broker that drops an empty group's offsets after a minute."""
    with LocalBroker(offsets_retention_minutes="1", offsets_retention_check_interval_ms="1000") as broker:
        BrokerClient(broker.bootstrap_servers).create_topic(TOPIC, partitions=2)
        BrokerClient(broker.bootstrap_servers).publish(TOPIC, [b"x"] * 20)
        yield broker


def leave_behind(broker: LocalBroker, group: str, protocol: dict[str, str]) -> None:
    """Be in a group, commit a position, and leave."""
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": group, "enable.auto.commit": False}
    member = Consumer(settings | protocol)
    member.subscribe([TOPIC])
    eventually("an assignment", lambda: member.poll(0.1) is not None or member.assignment())
    places = [TopicPartition(TOPIC, number, offset, mark) for number, (offset, mark) in AS_THEY_WERE.items()]
    member.commit(offsets=places, asynchronous=False)
    member.close()


def positions(broker: LocalBroker, group: str) -> dict[int, tuple[int, str | None]]:
    asking = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group})
    try:
        places = asking.committed([TopicPartition(TOPIC, number) for number in AS_THEY_WERE], timeout=30)
    finally:
        asking.close()
    return {place.partition: (place.offset, place.metadata) for place in places if place.offset >= 0}


async def keep(broker: LocalBroker, groups: list[str], *, until_gone: list[str]) -> None:
    """Do for stopped consumers what the operator does, until groups that nobody keeps are forgotten."""
    keys = {group: ObjectKey("tasks", group) for group in groups}
    access = Access(broker.bootstrap_servers)
    keeper = Keeper(Errands(timeout=5.0, changed=lambda _: None), lambda *_: None)
    targets = [(key, Target(access, TOPIC, group, "earliest")) for group, key in keys.items()]
    looks = 0
    async with polling(*targets) as poller, asyncio.timeout(150):
        while looks == 0 or await asyncio.to_thread(lambda: any(positions(broker, g) for g in until_gone)):
            for group, key in keys.items():
                stopped = world(consumer=consumer(group, paused=True), observation=poller.observation(key))
                looks += kept(stopped)
                keeper.look(key, stopped, poller.target(key), empty_since=None, now=datetime.now(UTC))
            await asyncio.sleep(1.0)
    await keeper.stop()


def test_positions_of_stopped_consumers_stay_where_kafka_would_have_dropped_them(
    forgetful: LocalBroker,
) -> None:
    for protocol, settings in PROTOCOLS.items():
        for fate in ("kept", "left"):
            leave_behind(forgetful, f"{fate}-{protocol}", settings)

    left = [f"left-{protocol}" for protocol in PROTOCOLS]
    asyncio.run(keep(forgetful, [f"kept-{protocol}" for protocol in PROTOCOLS], until_gone=left))

    for protocol in PROTOCOLS:
        assert positions(forgetful, f"left-{protocol}") == {}
        assert positions(forgetful, f"kept-{protocol}") == AS_THEY_WERE
