"""The broker of the tests keeps what it acknowledged, whatever way it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.sure_producer import SureProducer

if TYPE_CHECKING:
    from dev.kafka import LocalBroker


@pytest.mark.parametrize("end", ["stop", "terminate"])
def test_a_broker_started_again_has_its_messages_and_address(
    broker: LocalBroker, topic: str, end: str
) -> None:
    address = broker.bootstrap_servers
    write(address, topic, b"kept")

    getattr(broker, end)()
    broker.start()

    assert broker.bootstrap_servers == address
    assert read_one(address, topic) == b"kept"


def test_a_topic_has_three_partitions(broker: LocalBroker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3


def write(address: str, topic: str, value: bytes) -> None:
    producer = SureProducer(address, {"acks": "all"})
    producer.produce(topic, value, partition=0)
    producer.await_delivery()


def read_one(address: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": address, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        message = consumer.poll(30)
        return None if message is None else message.value()
    finally:
        consumer.close()
