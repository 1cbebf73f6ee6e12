"""EventConsumers as tests write them: only what the test is about is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def kafka_topic(
    name: str,
    *,
    partitions: int = 1,
    namespace: str = "tasks",
    topic_name: str | None = None,
    config: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Build a Strimzi KafkaTopic of the demo's Kafka cluster; its topic may have another name in Kafka."""
    given = {"topicName": topic_name, "config": config}
    spec = {"partitions": partitions, "replicas": 1} | {key: value for key, value in given.items() if value}
    return _of_strimzi("KafkaTopic", name, namespace, spec)


def kafka_user(
    name: str, *, acls: Iterable[dict[str, Any]], authentication: str = "tls", namespace: str = "tasks"
) -> dict[str, Any]:
    """Build a Strimzi KafkaUser of the demo's Kafka cluster."""
    spec = {
        "authentication": {"type": authentication},
        "authorization": {"type": "simple", "acls": list(acls)},
    }
    return _of_strimzi("KafkaUser", name, namespace, spec)


def acl(resource: str, name: str, *operations: str) -> dict[str, Any]:
    """Build one ACL of a KafkaUser."""
    return {
        "resource": {"type": resource, "name": name, "patternType": "literal"},
        "operations": list(operations),
    }


def _of_strimzi(kind: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"strimzi.io/cluster": "events"}},
        "spec": spec,
    }
