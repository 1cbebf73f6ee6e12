"""The membership of a group at a real broker, without a worker around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.broker import Subscription
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.watermark import Place
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.members import silent_member

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from contextlib import AbstractContextManager

    from tests.support.broker_client import BrokerClient

ALL = {0, 1, 2}
# A short session: who leaves in the middle of a rebalance is waited for as if it had died.
SHARING = {
    "partition.assignment.strategy": "cooperative-sticky",
    "heartbeat.interval.ms": "500",
    "session.timeout.ms": "6000",
}


def settings(client: BrokerClient, topic: str) -> Settings:
    return Settings(
        kind=Kind.AUDIT,
        kafka_bootstrap_servers=client.bootstrap_servers,
        kafka_topic=topic,
        kafka_group_id=topic,
        group_session_seconds=6,
    )


class Owner:
    """Knows which partitions there are now; with each that goes it tells of what it has ``done``."""

    def __init__(self) -> None:
        self.partitions: set[int] = set()
        self.done: list[Place] = []

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        self.partitions.update(partitions)
        return {}

    def revoked(self, partitions: Collection[int]) -> Iterable[Place]:
        self.partitions.difference_update(partitions)
        return self.done

    def lost(self, partitions: Collection[int]) -> None:
        self.partitions.difference_update(partitions)


def held(subscription: Subscription, owner: Owner) -> set[int]:
    """Wait as work does that can't be done now."""
    subscription.hold(0.2)
    return owner.partitions


def test_a_partition_that_went_away_while_work_waited_is_read_when_it_comes_back(
    client: BrokerClient, topic: str
) -> None:
    subscription, owner = Subscription(settings(client, topic)), Owner()
    subscription.subscribe(owner)
    read: set[int] = set()

    def ours() -> set[int]:
        read.update(message.partition() or 0 for message in subscription.receive(limit=100, wait=0.2))
        return owner.partitions

    try:
        eventually("all are ours", ours, until=ALL.__eq__)
        with silent_member(client.bootstrap_servers, topic, topic=topic, client_id="other", **SHARING):
            eventually("one is gone", lambda: held(subscription, owner), until=ALL.__ne__)
            ours()
        eventually("it is back", ours, until=ALL.__eq__)
        for partition in ALL:
            client.publish(topic, [encoded()], partition=partition)
        eventually("all are read", lambda: ours() and read, until=ALL.__eq__)
    finally:
        subscription.close()


def test_what_is_put_back_again_and_again_stays_within_the_limit_and_in_order(
    client: BrokerClient, topic: str
) -> None:
    client.publish(topic, [encoded() for _ in range(40)], partition=0)
    subscription = Subscription(settings(client, topic))
    subscription.subscribe(Owner())

    def offsets(limit: int) -> list[int]:
        batch = subscription.receive(limit=limit, wait=0.2)
        subscription.put_back(batch)
        return [message.offset() or 0 for message in batch]

    try:
        eventually("a full batch", lambda: offsets(10), until=lambda found: len(found) == 10)
        assert {tuple(offsets(10)) for _ in range(20)} == {tuple(range(10))}
        assert offsets(3) == [0, 1, 2]
        read: list[int | None] = []

        def more() -> list[int | None]:
            read.extend(message.offset() for message in subscription.receive(limit=10, wait=0.2))
            return read

        assert eventually("all are read", more, until=lambda found: len(found) >= 40) == list(range(40))
    finally:
        subscription.close()


def test_work_that_ends_after_its_partition_went_is_not_committed_with_the_next_that_goes(
    client: BrokerClient, topic: str
) -> None:
    subscription, owner = Subscription(settings(client, topic)), Owner()
    subscription.subscribe(owner)

    def ours() -> set[int]:
        return held(subscription, owner)

    def commit(place: Place) -> dict[int, int]:
        # While members come the group takes none.
        subscription.commit([place])
        ours()
        return client.committed_offsets(topic, topic)

    def member(name: str) -> AbstractContextManager[None]:
        return silent_member(client.bootstrap_servers, topic, topic=topic, client_id=name, **SHARING)

    try:
        eventually("all are ours", ours, until=ALL.__eq__)
        with member("second"):
            gone = min(ALL - eventually("one is gone", ours, until=lambda found: len(found) == 2))
            owner.done = [Place(gone, 5)]
            with member("third"):
                (left,) = eventually("another is gone", ours, until=lambda found: len(found) == 1)
                committed = eventually("the commit", lambda: commit(Place(left, 7)), until=bool)
        assert committed == {left: 7}
    finally:
        subscription.close()
