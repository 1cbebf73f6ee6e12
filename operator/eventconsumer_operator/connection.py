"""Where a consumer's topic is: told by Strimzi's resources, by the spec, or by what its workers were given.

Pure: what the API server holds goes in, a Connection or the reason why there is none comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.mounts import protection
from eventconsumer_operator.names import (
    CA_ANNOTATION,
    CLUSTER_LABEL,
    CONTAINER,
    TOPIC_ID_ANNOTATION,
    ConditionType,
    Reason,
)
from eventconsumer_operator.security import OPEN, Security

if TYPE_CHECKING:
    from eventconsumer_operator.models import KafkaAddress, Manifest


@dataclass(frozen=True)
class Connection:
    """Where a topic is."""

    bootstrap_servers: str
    topic: str
    topic_id: str | None = None
    """Tells a topic from an earlier one of the same name; None where nobody said it."""
    security: Security = OPEN
    ca_mark: str | None = None
    """Changes with the servers' CA, so that pods restart with the new one; None where it is not known."""

    def same_place(self, other: Connection) -> bool:
        """Tell whether both name the same topic on the same servers, be it the same topic or a later one."""
        return (self.bootstrap_servers, self.topic) == (other.bootstrap_servers, other.topic)


@dataclass(frozen=True)
class Finding:
    """A fault, the condition it makes false, and what a person can do about it."""

    condition: ConditionType
    reason: Reason
    message: str


def given(address: KafkaAddress) -> Connection:
    """Return the connection that the spec itself names."""
    return Connection(bootstrap_servers=address.bootstrap_servers, topic=address.topic)


def through_strimzi(topic: Manifest, kafka: Manifest | None, *, listener: str | None) -> Connection | Finding:
    """Follow a KafkaTopic to its Kafka and that one's listener."""
    cluster = cluster_of(topic)
    if cluster is None:
        return _finding(
            Reason.KAFKA_NOT_FOUND,
            f"KafkaTopic {_name(topic)} has no label {CLUSTER_LABEL}, so its Kafka can't be told",
        )
    if kafka is None:
        return _finding(
            Reason.KAFKA_NOT_FOUND, f"Kafka {cluster}, which KafkaTopic {_name(topic)} names, does not exist"
        )
    servers = _bootstrap_servers(kafka, listener)
    if isinstance(servers, Finding):
        return servers
    written = topic.get("status", {}).get("topicId")
    return Connection(bootstrap_servers=servers, topic=topic_name(topic), topic_id=written)


def remembered(deployment: Manifest | None) -> Connection | None:
    """Return the connection that running workers were given: a vanished KafkaTopic must not stop them."""
    if deployment is None:
        return None
    template = deployment.get("spec", {}).get("template", {})
    containers = template.get("spec", {}).get("containers", [])
    worker: Manifest = next((container for container in containers if container.get("name") == CONTAINER), {})
    env = {str(entry.get("name")): entry for entry in worker.get("env", [])}
    servers, topic = (env.get(name, {}).get("value") for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC"))
    if not servers or not topic:
        return None
    marks = template.get("metadata", {}).get("annotations") or {}
    return Connection(
        bootstrap_servers=servers,
        topic=topic,
        topic_id=marks.get(TOPIC_ID_ANNOTATION),
        security=protection(template["spec"], env),
        ca_mark=marks.get(CA_ANNOTATION),
    )


def recreated(before: Connection | None, now: Connection) -> bool:
    """Tell whether the topic that workers were started for was deleted and made again."""
    return bool(
        before
        and before.same_place(now)
        and before.topic_id
        and now.topic_id
        and before.topic_id != now.topic_id
    )


def cluster_of(topic: Manifest) -> str | None:
    """Return the name of the Kafka that a KafkaTopic belongs to."""
    cluster: str | None = topic.get("metadata", {}).get("labels", {}).get(CLUSTER_LABEL)
    return cluster


def topic_name(topic: Manifest) -> str:
    """Return the topic's name in Kafka, which may differ from the KafkaTopic's."""
    written = topic.get("status", {}).get("topicName")
    asked = topic.get("spec", {}).get("topicName")
    return str(written or asked or _name(topic))


def published(kafka: Manifest) -> dict[str, str]:
    """Return the bootstrap servers of every listener that a Kafka has published."""
    return {
        str(entry["name"]): str(entry["bootstrapServers"])
        for entry in kafka.get("status", {}).get("listeners", [])
        if entry.get("name") and entry.get("bootstrapServers")
    }


def _bootstrap_servers(kafka: Manifest, listener: str | None) -> str | Finding:
    listeners = published(kafka)
    name = listener or _default_listener(kafka, listeners)
    if name in listeners:
        return listeners[name]
    if not listeners:
        return _finding(Reason.LISTENER_NOT_FOUND, f"Kafka {_name(kafka)} has published no listener yet")
    wanted = f"no listener {listener}" if listener else "no internal listener without TLS and authentication"
    return _finding(
        Reason.LISTENER_NOT_FOUND,
        f"Kafka {_name(kafka)} has {wanted}; it has {', '.join(sorted(listeners))}",
    )


def _default_listener(kafka: Manifest, listeners: dict[str, str]) -> str | None:
    """Choose the first listener that a pod in the cluster can use without a certificate or a password."""
    declared = kafka.get("spec", {}).get("kafka", {}).get("listeners", [])
    fitting = [
        entry["name"]
        for entry in declared
        if entry.get("type") in {"internal", "cluster-ip"}
        and not entry.get("tls")
        and not entry.get("authentication")
    ]
    return next((name for name in fitting if name in listeners), None)


def _finding(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.TOPIC_READY, reason, message)


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])
