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
    """Create a topic and wait for it; a broker that is just coming back may forget a question."""
    eventually(f"the broker makes topic {topic.topic}", lambda: _made(admin, topic))


def add_partitions(admin: AdminClient, topic: str, *, total: int) -> None:
    """Give a topic more partitions and wait until the broker tells clients of them.

    A producer that asks earlier refuses records for a new partition at once.
    """
    admin.create_partitions([NewPartitions(topic, total)])[topic].result(_ATTEMPT_SECONDS)
    eventually(
        f"{total} partitions of {topic}",
        lambda: len(admin.list_topics(topic, _ATTEMPT_SECONDS).topics[topic].partitions) == total,
    )


def _made(admin: AdminClient, topic: NewTopic) -> bool:
    asked = admin.create_topics([topic], request_timeout=_ATTEMPT_SECONDS)
    try:
        asked[topic.topic].result(_ATTEMPT_SECONDS + 1)
    except KafkaException as fault:
        if fault.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return True
