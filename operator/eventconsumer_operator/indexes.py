"""By what objects are looked up besides their name, so that one change never looks at all of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator.names import (
    CLUSTER_LABEL,
    EVENT_CONSUMERS,
    INSTANCE_LABEL,
    PODS,
    TOPICS,
    ObjectKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from eventconsumer_operator.models import Manifest

BY_GROUP = "group"
"""EventConsumers by the name of their consumer group, on whatever cluster."""
BY_TOPIC = "topic"
"""EventConsumers by the KafkaTopic that they name."""
BY_USER = "user"
"""EventConsumers by the KafkaUser that their workers log in as."""
BY_CONSUMER = "consumer"
"""Pods by their EventConsumer."""
BY_CLUSTER = "cluster"
"""KafkaTopics by their Kafka."""


def group_of(consumer: Manifest) -> str:
    """Return the consumer group of an EventConsumer as the API server has it."""
    return str(consumer.get("spec", {}).get("groupId") or consumer["metadata"]["name"])


def topic_of(consumer: Manifest) -> ObjectKey | None:
    """Return the KafkaTopic that an EventConsumer names."""
    return _beside(consumer, consumer.get("spec", {}).get("topicRef", {}).get("name"))


def user_of(consumer: Manifest) -> ObjectKey | None:
    """Return the KafkaUser that an EventConsumer names."""
    return _beside(consumer, consumer.get("spec", {}).get("userRef", {}).get("name"))


def consumer_of(pod: Manifest) -> ObjectKey | None:
    """Return the EventConsumer whose worker a pod runs."""
    return _beside(pod, pod["metadata"].get("labels", {}).get(INSTANCE_LABEL))


def kafka_of(topic: Manifest) -> ObjectKey | None:
    """Return the Kafka that a KafkaTopic belongs to."""
    return _beside(topic, topic["metadata"].get("labels", {}).get(CLUSTER_LABEL))


INDEXES: dict[str, dict[str, Callable[[Manifest], Hashable]]] = {
    EVENT_CONSUMERS: {BY_GROUP: group_of, BY_TOPIC: topic_of, BY_USER: user_of},
    PODS: {BY_CONSUMER: consumer_of},
    TOPICS: {BY_CLUSTER: kafka_of},
}


def _beside(manifest: Manifest, name: str | None) -> ObjectKey | None:
    """Return the key of what has this name in an object's namespace."""
    return ObjectKey(manifest["metadata"].get("namespace", ""), name) if name else None
