"""Topics of a broker that another test may have paused or killed a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

_ATTEMPT_SECONDS = 10.0


def create_topic(admin: AdminClient, topic: NewTopic) -> None:
    """Create a topic and wait for it; a broker that is just coming back may forget a question."""
    eventually(f"the broker makes topic {topic.topic}", lambda: _made(admin, topic))


def _made(admin: AdminClient, topic: NewTopic) -> bool:
    asked = admin.create_topics([topic], request_timeout=_ATTEMPT_SECONDS)
    try:
        asked[topic.topic].result(_ATTEMPT_SECONDS + 1)
    except KafkaException as fault:
        if fault.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return True
