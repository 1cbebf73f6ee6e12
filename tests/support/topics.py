"""Topics of a broker that another test may have paused or killed a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewPartitions

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

_ATTEMPT_SECONDS = 10.0


def create_topic(admin: AdminClient, topic: NewTopic) -> None:
    """Create a topic and wait until clients find it; a broker that just came back may forget a question."""
    eventually(f"the broker makes topic {topic.topic}", lambda: _made(admin, topic))
    _await_partitions(admin, topic.topic, topic.num_partitions)


def add_partitions(admin: AdminClient, topic: str, *, total: int) -> None:
    """Give a topic more partitions and wait until the broker tells clients of them.

    A producer that asks earlier refuses records for a new partition at once.
    """
    admin.create_partitions([NewPartitions(topic, total)])[topic].result(_ATTEMPT_SECONDS)
    _await_partitions(admin, topic, total)


def _await_partitions(admin: AdminClient, topic: str, total: int) -> None:
    """Wait for the broker's own view: the controller, which made them, is a moment ahead of it."""
    eventually(
        f"{total} partitions of {topic}",
        lambda: len(admin.list_topics(topic, _ATTEMPT_SECONDS).topics[topic].partitions) == total,
        every=0.02,
    )


def _made(admin: AdminClient, topic: NewTopic) -> bool:
    asked = admin.create_topics([topic], request_timeout=_ATTEMPT_SECONDS)
    try:
        asked[topic.topic].result(_ATTEMPT_SECONDS + 1)
    except KafkaException as fault:
        if fault.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return True
