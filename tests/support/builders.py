"""EventConsumers as tests write them: only what the test is about is said."""

from __future__ import annotations

from typing import Any


def event_consumer(
    name: str = "notification-service", *, namespace: str = "tasks", **spec: Any
) -> dict[str, Any]:
    """Build a valid EventConsumer manifest; keywords replace or add fields of ``spec``, None removes one."""
    fields = {"topicRef": {"name": "task-events"}, "worker": {"type": "notification"}} | spec
    return {
        "apiVersion": "eventconsumer.dev/v1beta1",
        "kind": "EventConsumer",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {key: value for key, value in fields.items() if value is not None},
    }


def kafka_topic(name: str, *, partitions: int = 1, namespace: str = "tasks") -> dict[str, Any]:
    """Build a Strimzi KafkaTopic of the demo's Kafka cluster."""
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "namespace": namespace, "labels": {"strimzi.io/cluster": "events"}},
        "spec": {"partitions": partitions, "replicas": 1},
    }
