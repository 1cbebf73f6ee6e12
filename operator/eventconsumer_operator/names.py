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

FIELD_MANAGER = "eventconsumer-operator"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
CLUSTER_LABEL = "strimzi.io/cluster"
WORKER = "eventconsumer-worker"
"""The value of ``app.kubernetes.io/name`` on everything an EventConsumer owns."""

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
    CONSUMERS_JOINED = "ConsumersJoined"
    """Are the workers, and nobody else, in the group, and share all partitions?"""
    KEEPING_UP = "KeepingUp"
    """Do the workers keep up with what is written to the topic?"""
    DATA_LOSS = "DataLoss"
    """Did records expire before they were read? Absent where none did."""


class Reason(StrEnum):
    """Why a condition is as it is; also the one word of kubectl's STATUS column."""

    CAUGHT_UP = "CaughtUp"
    """The workers move, and no more records wait than spec.slo allows."""
    CONSUMING = "Consuming"
    """Records wait for the workers, and they were not watched long enough to tell which way it goes."""
    UNCOMMITTED = "Uncommitted"
    """The workers run, start from the latest record, and have not committed an offset yet."""
    LAG_UNKNOWN = "LagUnknown"
    """The workers run, and Kafka can't be asked how far they are."""
    STOPPED = "Stopped"
    """The resource asks for 0 replicas, and none runs; or records wait, and nobody is in the group."""
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
    APPLY_REFUSED = "ApplyRefused"
    """The API server refused what the resource asks for: a quota, a policy, a field that can't change."""
    INVALID_SPEC = "InvalidSpec"
    """The spec can't be understood, although the API server let it in."""
    RECOVERING = "Recovering"
    """More records wait than spec.slo allows, and they become fewer."""
    FALLING_BEHIND = "FallingBehind"
    """More records wait than spec.slo allows, and they do not become fewer."""
    STALLED = "Stalled"
    """Records wait on a partition, and its committed offset has not moved."""
    REWOUND = "Rewound"
    """A committed offset went back, and the group has not come to where it was."""
    ALL_JOINED = "AllJoined"
    """All ready workers are in the group and share all partitions."""
    MEMBERS_MISSING = "MembersMissing"
    """Fewer of our workers are in the group than are ready."""
    PARTITIONS_UNASSIGNED = "PartitionsUnassigned"
    """A partition is assigned to no member of the group."""
    IDLE_MEMBERS = "IdleMembers"
    """The group has more members than the topic has partitions."""
    FOREIGN_MEMBERS = "ForeignMembers"
    """Someone else's consumer is in the group and takes records from the workers."""
    REBALANCING = "Rebalancing"
    """The group is sharing its partitions out anew, or workers have just come or gone."""
    GROUP_UNKNOWN = "GroupUnknown"
    """Kafka can't be asked who is in the group."""
    RECORDS_EXPIRED = "RecordsExpired"
    """The committed offset is below the log's start."""
