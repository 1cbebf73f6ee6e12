"""Worlds and objects as tests write them: only what the test is about is said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from eventconsumer_operator.lag import Lag, LagState
from eventconsumer_operator.membership import Member
from eventconsumer_operator.models import EventConsumer, Manifest
from eventconsumer_operator.verdict import Look
from eventconsumer_operator.world import Observation, World
from tests.support.builders import event_consumer

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
THREE = tuple(("task-events", number) for number in range(3))
CA = "-----BEGIN CERTIFICATE-----"
UID = "11111111-1111-1111-1111-111111111111"


def resource(name: str = "notification-service", **spec: Any) -> Manifest:
    """Build an EventConsumer as the API server returns it."""
    manifest = event_consumer(name, **spec)
    manifest["metadata"] |= {"uid": UID, "generation": 1, "resourceVersion": "1"}
    return manifest


def consumer(name: str = "notification-service", **spec: Any) -> EventConsumer:
    """Build an EventConsumer as decisions see it."""
    return EventConsumer.model_validate(resource(name, **spec))


def topic(*, ready: str | None = "True", labels: dict[str, str] | None = None, **status: Any) -> Manifest:
    """Build a KafkaTopic as Strimzi's Topic Operator leaves it."""
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    return {
        "metadata": {
            "name": "task-events",
            "namespace": "tasks",
            "labels": {"strimzi.io/cluster": "events"} if labels is None else labels,
        },
        "spec": {"partitions": 3},
        "status": {"conditions": conditions, "topicName": "task-events", **status},
    }


def kafka(*published: str, declared: list[Manifest] | None = None) -> Manifest:
    """Build a Kafka with listeners; of those that are published by default, nobody is asked who comes."""
    known = [
        {"name": "tls", "port": 9093, "type": "internal", "tls": True},
        {"name": "plain", "port": 9092, "type": "internal", "tls": False},
        {"name": "external", "port": 9094, "type": "nodeport", "tls": False},
        {"name": "mtls", "type": "internal", "tls": True, "authentication": {"type": "tls"}},
        {"name": "scram", "type": "internal", "tls": True, "authentication": {"type": "scram-sha-512"}},
    ]
    encrypted = {"tls", "mtls", "scram"}
    return {
        "metadata": {"name": "events", "namespace": "tasks"},
        "spec": {"kafka": {"listeners": known if declared is None else declared}},
        "status": {
            "listeners": [
                {"name": name, "bootstrapServers": f"events-{name}:9092"}
                | ({"certificates": [CA]} if name in encrypted else {})
                for name in published or ("tls", "plain", "external")
            ]
        },
    }


def user(
    authentication: str | None = "tls",
    *,
    ready: str | None = "True",
    cluster: str | None = "events",
    acls: list[Manifest] | None = None,
    **status: Any,
) -> Manifest:
    """Build a KafkaUser as Strimzi's User Operator leaves it."""
    spec: Manifest = {"authentication": {"type": authentication}} if authentication else {}
    if acls is not None:
        spec["authorization"] = {"type": "simple", "acls": acls}
    return {
        "metadata": {
            "name": "reader",
            "namespace": "tasks",
            "labels": {"strimzi.io/cluster": cluster} if cluster else {},
        },
        "spec": spec,
        "status": {"conditions": [{"type": "Ready", "status": ready}] if ready else [], **status},
    }


def deployment(
    *, replicas: int = 1, ready: int = 1, generation: int = 1, seen: int | None = None, uid: str = UID
) -> Manifest:
    """Build a Deployment of ours as Kubernetes reports it."""
    return {
        "metadata": {
            "name": "notification-service",
            "namespace": "tasks",
            "uid": "d-1",
            "generation": generation,
            "ownerReferences": [
                {"kind": "EventConsumer", "name": "notification-service", "uid": uid, "controller": True}
            ],
        },
        "spec": {"replicas": replicas},
        "status": {
            "observedGeneration": generation if seen is None else seen,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    }


def looked(lag: int, *, at: float = 0.0, position: int | None = None, behind: int | None = 0) -> Look:
    """Build one look at one partition; the group moves with time unless its position is given."""
    return Look(at, lag, behind, (int(at * 100) if position is None else position,), (lag,))


def observation(
    total: int | None = 0,
    *,
    state: LagState = LagState.KNOWN,
    earlier: tuple[int, ...] = (),
    **fields: Any,
) -> Observation:
    """Build what Kafka said about a group on a topic of three partitions; ``earlier`` is the lag before."""
    said = {"behind_seconds": 0, "group_state": "Stable", "members": 1, "topic_exists": True} | fields
    said.setdefault("who", (Member("notification-service-5d4-x7k2p", "/10.0.0.1", THREE),))
    lags = (*earlier, total) if total is not None else earlier
    said.setdefault("window", tuple(looked(lag, at=10.0 * at) for at, lag in enumerate(lags)))
    return Observation(
        lag=Lag(state, total=total, highest=total, partitions=3),
        observed_at=NOW,
        topic="task-events",
        **said,  # type: ignore[arg-type]  # tests name the fields they are about
    )


def world(**parts: Any) -> World:
    """Build a world where all is well, except for what is given."""
    healthy: dict[str, Any] = {
        "consumer": consumer(),
        "topic": topic(),
        "kafka": kafka(),
        "deployment": deployment(),
        "observation": observation(),
    }
    return World(**healthy | parts)
