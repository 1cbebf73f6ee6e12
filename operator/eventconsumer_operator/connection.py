"""Where a consumer's topic is: told by Strimzi's resources, by the spec, or by what its workers were given.

Pure: what the API server holds goes in, a Connection or the reason why there is none comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.findings import Finding
from eventconsumer_operator.listeners import Listener, best, described, published
from eventconsumer_operator.mounts import protection
from eventconsumer_operator.names import (
    CA_ANNOTATION,
    CLUSTER_LABEL,
    CONTAINER,
    TOPIC_ID_ANNOTATION,
    ConditionType,
    Reason,
)
from eventconsumer_operator.security import OPEN, SecretKey, Security, Tls, asked_for
from eventconsumer_operator.users import SCRAM, TLS, User, fault

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


def given(address: KafkaAddress) -> Connection:
    """Return the connection that the spec itself names."""
    return Connection(address.bootstrap_servers, address.topic, security=asked_for(address))


def kafka_missing(topic: Manifest, kafka: Manifest | None) -> Finding | None:
    """Find that a KafkaTopic leads to no Kafka."""
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
    return None


def through_strimzi(
    topic: Manifest, kafka: Manifest, *, listener: str | None, user: User | None
) -> Connection | Finding:
    """Follow a KafkaTopic to a listener of its Kafka."""
    chosen = _choose(kafka, listener, user)
    if isinstance(chosen, Finding):
        return chosen
    tls = None
    if chosen.tls:
        # A certificate that the user brought is signed by a CA that the system knows, and not by Strimzi's.
        tls = Tls(None if chosen.own_certificate else SecretKey(f"{_name(kafka)}-cluster-ca-cert", "ca.crt"))
    return Connection(
        bootstrap_servers=chosen.servers,
        topic=topic_name(topic),
        topic_id=topic.get("status", {}).get("topicId"),
        security=user.secured(tls) if user else Security(tls),
        ca_mark=chosen.ca_mark,
    )


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


def _choose(kafka: Manifest, name: str | None, user: User | None) -> Listener | Finding:
    """Choose the listener that the spec names, or else the one that fits best."""
    listeners, cluster = published(kafka), _name(kafka)
    if not listeners:
        return _finding(Reason.LISTENER_NOT_FOUND, f"Kafka {cluster} has published no listener yet")
    wanted = user.authentication if user else None
    if name is None:
        chosen = best(listeners, authentication=wanted)
        return chosen or _finding(
            Reason.LISTENER_NOT_FOUND,
            f"Kafka {cluster} has no listener {_asked(user)}; it has {described(listeners)}" + _hint(user),
        )
    named = next((each for each in listeners if each.name == name), None)
    if named is None:
        return _finding(
            Reason.LISTENER_NOT_FOUND,
            f"Kafka {cluster} has no listener {name}; it has {described(listeners)}",
        )
    return named if named.authentication == wanted else _mismatch(named, user)


def _asked(user: User | None) -> str:
    if user is None:
        return "without authentication"
    return f"with authentication {user.authentication}, which KafkaUser {user.name} has"


def _hint(user: User | None) -> str:
    return "" if user else "; name a KafkaUser of the listener's authentication in spec.userRef.name"


def _mismatch(listener: Listener, user: User | None) -> Finding:
    asks = f"listener {listener.name} asks for authentication {listener.authentication}"
    if listener.authentication is None and user is not None:
        said = (
            f"listener {listener.name} asks nobody who they are, so KafkaUser {user.name} would not be known"
            f" there; name a listener with authentication {user.authentication} in spec.listener, or leave"
            " out spec.userRef"
        )
    elif listener.authentication not in {TLS, SCRAM}:
        said = f"{asks}, which workers can't give; name a listener with {TLS} or {SCRAM} in spec.listener"
    elif user is None:
        said = f"{asks}; name a KafkaUser that has it in spec.userRef.name"
    else:
        said = (
            f"{asks}, and KafkaUser {user.name} has {user.authentication}; name a listener that asks for"
            f" {user.authentication} in spec.listener, or another KafkaUser in spec.userRef.name"
        )
    return fault(Reason.AUTHENTICATION_MISMATCH, said)


def _finding(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.TOPIC_READY, reason, message)


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])
