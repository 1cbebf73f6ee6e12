"""Every name the outside sees, in one place: other programs, people's scripts and alerts depend on them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

GROUP = "eventconsumer.dev"
VERSION = "v1beta1"
KIND = "EventConsumer"
STRIMZI = "kafka.strimzi.io"

EVENT_CONSUMERS = "eventconsumers"
DEPLOYMENTS = "deployments"
CLAIMS = "persistentvolumeclaims"
TOPICS = "kafkatopics"
KAFKAS = "kafkas"
PODS = "pods"
EVENTS = "events"

FIELD_MANAGER = "eventconsumer-operator"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
CLUSTER_LABEL = "strimzi.io/cluster"
WORKER = "eventconsumer-worker"
"""The value of ``app.kubernetes.io/name`` on everything an EventConsumer owns."""

FINALIZER = "eventconsumer.dev/consumer-group"
"""Keeps an EventConsumer until its group is deleted; there only with deletionPolicy Delete."""
TOPIC_ID_ANNOTATION = "eventconsumer.dev/topic-id"
"""On pods: the id of the topic they were started for, so that another topic of its name restarts them."""

CONTAINER = "worker"
HEALTH_PORT = 8080
AUDIT_FOLDER = "/var/lib/audit"


class ObjectKey(NamedTuple):
    """The namespace and name of one object; with its kind known, that is its identity over time."""

    namespace: str
    name: str


class ConditionType(StrEnum):
    """What a condition answers."""

    READY = "Ready"
    """Does this consumer run as its resource says?"""
    TOPIC_READY = "TopicReady"
    """Is it known where the topic is, and is the topic there?"""
    WORKERS_AVAILABLE = "WorkersAvailable"
    """Do as many workers run as the resource asks for, in the version it asks for?"""
    PAUSED = "Paused"
    """Is it stopped by spec.paused? Absent while it is not."""
    GROUP_CONFLICT = "GroupConflict"
    """Does an older EventConsumer have this consumer group? Absent while none does."""


class Reason(StrEnum):
    """Why a condition is as it is; also the one word of kubectl's STATUS column."""

    CAUGHT_UP = "CaughtUp"
    """The workers run and no record waits for them."""
    CONSUMING = "Consuming"
    """The workers run and records wait for them."""
    UNCOMMITTED = "Uncommitted"
    """The workers run, start from the latest record, and have not committed an offset yet."""
    LAG_UNKNOWN = "LagUnknown"
    """The workers run, and Kafka can't be asked how far they are."""
    STOPPED = "Stopped"
    """The resource asks for 0 replicas, and none runs."""
    PAUSED = "Paused"
    """The resource asks for a pause, and no worker runs."""
    GROUP_CONFLICT = "GroupConflict"
    """An older EventConsumer has the same consumer group on the same Kafka."""
    WORKERS_STARTING = "WorkersStarting"
    """Workers are being started, replaced or stopped."""
    WORKERS_UNAVAILABLE = "WorkersUnavailable"
    """Workers should run and have not become ready for a minute."""
    WORKERS_READY = "WorkersReady"
    """All workers are ready."""
    WAITING_FOR_TOPIC = "WaitingForTopic"
    """No worker was started, because the topic is not there yet."""
    TOPIC_READY = "TopicReady"
    """The KafkaTopic is ready."""
    TOPIC_GIVEN = "TopicGiven"
    """The resource itself names servers and topic."""
    TOPIC_NOT_FOUND = "TopicNotFound"
    """There is no such KafkaTopic, or Kafka has no such topic."""
    TOPIC_NOT_READY = "TopicNotReady"
    """The KafkaTopic is there and not ready."""
    KAFKA_NOT_FOUND = "KafkaNotFound"
    """The Kafka cluster that the KafkaTopic belongs to can't be told or does not exist."""
    LISTENER_NOT_FOUND = "ListenerNotFound"
    """The Kafka cluster publishes no such listener, or none that fits."""
    NAME_CONFLICT = "NameConflict"
    """An object of the name we need exists and belongs to someone else."""
    KAFKA_UNREACHABLE = "KafkaUnreachable"
    """Kafka has to be asked before workers can start, and can't be."""
    TOPIC_RECREATED = "TopicRecreated"
    """An Event: the topic was deleted and made again, so the workers restart."""
    GROUP_DELETED = "GroupDeleted"
    """An Event: the consumer group was deleted with its resource."""
    GROUP_RETAINED = "GroupRetained"
    """An Event: the consumer group should have been deleted with its resource, and could not be."""
    APPLY_REFUSED = "ApplyRefused"
    """The API server refused what the resource asks for: a quota, a policy, a field that can't change."""
    INVALID_SPEC = "InvalidSpec"
    """The spec can't be understood, although the API server let it in."""
