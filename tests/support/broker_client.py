"""What a test does at a real broker: make topics, publish, read back, look at a group's offsets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.eventually import eventually
from tests.support.sure_producer import SureProducer
from tests.support.topics import create_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

Offsets = dict[int, int]

_PATIENCE_SECONDS = 60.0


class BrokerClient:
    """One test's own connections to a broker."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        # The broker says what is too large; the client's own limit is a little below the broker's.
        self._producer = SureProducer(bootstrap_servers, {"linger.ms": 1, "message.max.bytes": 2_000_000})

    def create_topic(self, topic: str, *, partitions: int = 1, config: dict[str, str] | None = None) -> None:
        """Create a topic and wait for it."""
        create_topic(
            self._admin, NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config or {})
        )

    def delete_topic(self, topic: str) -> None:
        """Delete a topic and wait until its name is free."""
        self._admin.delete_topics([topic])[topic].result(timeout=30)

    def publish(self, topic: str, values: Iterable[bytes | None], *, partition: int | None = None) -> None:
        """Publish values under keys of their own and wait until the broker has them."""
        # -1 leaves the choice to the key.
        place = -1 if partition is None else partition
        for value in values:
            self._producer.produce(topic, value=value, key=str(uuid4()), partition=place)
        self._producer.await_delivery()

    def publish_message(
        self, topic: str, *, value: bytes | None, key: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        """Publish one message with all its parts and wait until the broker has it."""
        sent: list[tuple[str, str | bytes | None]] = list(headers)
        self._producer.produce(topic, value=value, key=key, headers=sent)
        self._producer.await_delivery()

    def end_offsets(self, topic: str) -> Offsets:
        """Return where each partition of a topic ends."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "watermarks"})
        try:
            places = [
                TopicPartition(topic, number)
                for number in consumer.list_topics(topic, 30).topics[topic].partitions
            ]
            # A topic that was just made has no leader for a moment.
            ends = eventually(
                "every partition's end",
                lambda: [consumer.get_watermark_offsets(place, 30)[1] for place in places],
            )
            return {place.partition: end for place, end in zip(places, ends, strict=True)}
        finally:
            consumer.close()

    def commit(self, group: str, place: TopicPartition) -> None:
        """Commit one offset for a group from outside, as a tool would; the group has no member."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": group})
        try:
            # A group that nobody was ever in may have no coordinator yet.
            eventually("a commit", lambda: consumer.commit(offsets=[place], asynchronous=False))
        finally:
            consumer.close()

    def committed_offsets(self, group: str, topic: str) -> Offsets:
        """Return what a group has committed for a topic; a partition without a commit is left out.

        A consumer is asked, since the admin client's question can crash librdkafka while a coordinator loads.
        """
        member = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": group})
        try:
            wanted = [TopicPartition(topic, partition) for partition in self.end_offsets(topic)]
            answer = member.committed(wanted, timeout=30)
        finally:
            member.close()
        return {place.partition: place.offset for place in answer if place.offset >= 0}

    def messages(self, topic: str, *, count: int) -> list[Message]:
        """Return the first messages of a topic, failing when they do not come within a minute."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": f"reader-{uuid4()}"})
        found: list[Message] = []
        try:
            ends = self.end_offsets(topic)
            consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while len(found) < count and time.monotonic() < deadline:
                # What the client says of its connection comes among the messages.
                batch = consumer.consume(count - len(found), 1.0)
                found += [message for message in batch if message.error() is None]
        finally:
            consumer.close()
        assert len(found) == count, f"{len(found)} of {count} messages in {topic}"
        return found
