"""What is done to consumer groups on a real broker: their first offsets, and their end."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition

from eventconsumer_operator.access import Access
from eventconsumer_operator.broker import Broker
from eventconsumer_operator.errands import CommitEnds, DeleteGroup
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.refusals import Unreachable
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.kafka import LocalBroker
    from eventconsumer_operator.errands import Errand


@pytest.fixture
def client(broker: LocalBroker, topic: str) -> BrokerClient:
    """Talk to the broker; the topic of the test is there then."""
    assert topic
    return BrokerClient(broker.bootstrap_servers)


def attempt(errand: Errand) -> Outcome:
    """Try an errand until Kafka answers: a new broker needs a moment for its first group."""

    async def once() -> Outcome:
        broker = Broker(errand.access, timeout=5.0)
        try:
            return await errand.attempt(broker)
        finally:
            await broker.close()

    return eventually("an answer", lambda: asyncio.run(once()))


def commit(broker: LocalBroker, group: str, place: TopicPartition) -> None:
    BrokerClient(broker.bootstrap_servers).commit(group, place)


@contextmanager
def member(broker: LocalBroker, group: str, topic: str) -> Iterator[None]:
    """Be in a group, without committing anything."""
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": group, "enable.auto.commit": False}
    )
    consumer.subscribe([topic])

    def joined() -> bool:
        consumer.poll(0.1)
        return bool(consumer.assignment())

    eventually("an assignment", joined)
    yield
    consumer.close()


def test_a_new_group_begins_where_the_topic_ended_and_misses_nothing_written_since(
    broker: LocalBroker, topic: str, client: BrokerClient
) -> None:
    client.publish(topic, [b"before"] * 3, partition=0)
    assert attempt(CommitEnds(Access(broker.bootstrap_servers), topic, topic)) is Outcome.DONE
    client.publish(topic, [b"since"], partition=0)

    assert client.committed_offsets(topic, topic) == {0: 3, 1: 0, 2: 0}

    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": topic}
    worker = Consumer(settings | {"auto.offset.reset": "latest"})
    worker.subscribe([topic])
    message = eventually("the first record", lambda: worker.poll(0.5))
    worker.close()
    assert message is not None
    assert message.value() == b"since"


def test_a_group_that_committed_anything_is_left_as_it_is(
    broker: LocalBroker, topic: str, client: BrokerClient
) -> None:
    client.publish(topic, [b"x"] * 5, partition=1)
    commit(broker, topic, TopicPartition(topic, 1, 2))

    assert attempt(CommitEnds(Access(broker.bootstrap_servers), topic, topic)) is Outcome.DONE

    assert client.committed_offsets(topic, topic) == {1: 2}


def test_a_second_time_changes_nothing(broker: LocalBroker, topic: str, client: BrokerClient) -> None:
    errand = CommitEnds(Access(broker.bootstrap_servers), topic, topic)
    assert attempt(errand) is Outcome.DONE
    client.publish(topic, [b"x"] * 5, partition=1)

    assert attempt(errand) is Outcome.DONE

    assert client.committed_offsets(topic, topic) == {0: 0, 1: 0, 2: 0}


def test_a_group_with_members_decides_itself_where_it_begins(
    broker: LocalBroker, topic: str, client: BrokerClient
) -> None:
    with member(broker, topic, topic):
        assert attempt(CommitEnds(Access(broker.bootstrap_servers), topic, topic)) is Outcome.DONE

    assert client.committed_offsets(topic, topic) == {}


def test_a_topic_that_is_not_there_is_said_and_not_made(broker: LocalBroker, topic: str) -> None:
    assert (
        attempt(CommitEnds(Access(broker.bootstrap_servers), topic, f"{topic}-missing")) is Outcome.NO_TOPIC
    )


def test_an_empty_group_is_deleted_with_its_offsets(
    broker: LocalBroker, topic: str, client: BrokerClient
) -> None:
    commit(broker, topic, TopicPartition(topic, 0, 0))
    assert client.committed_offsets(topic, topic) == {0: 0}

    errand = DeleteGroup(Access(broker.bootstrap_servers), topic)
    eventually("it is gone", lambda: attempt(errand) is Outcome.DONE)

    assert client.committed_offsets(topic, topic) == {}


def test_a_group_with_members_is_not_deleted_before_they_left(broker: LocalBroker, topic: str) -> None:
    errand = DeleteGroup(Access(broker.bootstrap_servers), topic)
    with member(broker, topic, topic):
        assert attempt(errand) is Outcome.NOT_EMPTY

    eventually("it is gone", lambda: attempt(errand) is Outcome.DONE)


def test_a_group_that_does_not_exist_counts_as_deleted(broker: LocalBroker, topic: str) -> None:
    assert attempt(DeleteGroup(Access(broker.bootstrap_servers), f"{topic}-never-was")) is Outcome.DONE


@pytest.mark.parametrize(
    "errand",
    [DeleteGroup(Access("127.0.0.1:9"), "g"), CommitEnds(Access("127.0.0.1:9"), "g", "t")],
    ids=["delete", "commit"],
)
def test_a_broker_that_is_away_is_said_to_be(errand: Errand) -> None:
    async def story() -> None:
        await errand.attempt(Broker(errand.access, timeout=1.0))

    with pytest.raises(Unreachable):
        asyncio.run(story())
