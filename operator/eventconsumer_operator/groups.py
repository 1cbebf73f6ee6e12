"""Which of several EventConsumers has a consumer group: the oldest, so no newcomer disturbs it. Pure.

Two EventConsumers in one group on one Kafka cluster would silently share the records between them. Servers
tell clusters apart: two resources are on one cluster where they name a server in common, every listener that
Strimzi publishes for a Kafka counting as that Kafka's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.connection import cluster_of, remembered
from eventconsumer_operator.indexes import BY_GROUP, group_of
from eventconsumer_operator.listeners import published
from eventconsumer_operator.names import DEPLOYMENTS, EVENT_CONSUMERS, KAFKAS, TOPICS, ObjectKey
from eventconsumer_operator.store import key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.store import Store


@dataclass(frozen=True)
class Claim:
    """One EventConsumer's claim to its consumer group."""

    key: ObjectKey
    created: str
    uid: str
    servers: frozenset[str]
    """Where its Kafka cluster is; empty while that is not known, and then it claims nothing."""


def owner(mine: Claim, others: Iterable[Claim]) -> ObjectKey | None:
    """Return the oldest of those that claim my group before me, or None where the group is mine."""
    before = [
        other
        for other in others
        if other.servers & mine.servers and (other.created, other.uid) < (mine.created, mine.uid)
    ]
    return min(before, key=lambda other: (other.created, other.uid)).key if before else None


def group_owner(key: ObjectKey, store: Store) -> ObjectKey | None:
    """Return the EventConsumer that has the group of another one before it."""
    body = store.get(EVENT_CONSUMERS, key)
    rivals = [] if body is None else _rivals(body, store)
    return owner(_claim(body, store), (_claim(rival, store) for rival in rivals)) if body and rivals else None


def heir(key: ObjectKey, store: Store) -> ObjectKey | None:
    """Return an EventConsumer that stays and claims the same group, if there is one."""
    body = store.get(EVENT_CONSUMERS, key)
    if body is None:
        return None
    servers = _claim(body, store).servers
    return next(
        (
            key_of(rival)
            for rival in _rivals(body, store)
            if not rival["metadata"].get("deletionTimestamp") and _claim(rival, store).servers & servers
        ),
        None,
    )


def sharers(groups: Collection[str], store: Store) -> set[ObjectKey]:
    """Return the EventConsumers whose group has one of these names, on whatever cluster."""
    return {key for group in groups for key in store.keys_by(EVENT_CONSUMERS, BY_GROUP, group)}


def _rivals(body: Manifest, store: Store) -> list[Manifest]:
    sharing = store.find(EVENT_CONSUMERS, BY_GROUP, group_of(body))
    return [
        other for other in sharing.values() if other["metadata"].get("uid") != body["metadata"].get("uid")
    ]


def _claim(body: Manifest, store: Store) -> Claim:
    metadata = body["metadata"]
    return Claim(
        key=key_of(body),
        created=str(metadata.get("creationTimestamp", "")),
        uid=str(metadata.get("uid", "")),
        servers=_servers(body, store),
    )


def _servers(body: Manifest, store: Store) -> frozenset[str]:
    spec, key = body.get("spec", {}), key_of(body)
    lists = [spec.get("kafka", {}).get("bootstrapServers", "")]
    topic = store.get(TOPICS, ObjectKey(key.namespace, spec.get("topicRef", {}).get("name", "")))
    cluster = cluster_of(topic) if topic else None
    kafka = store.get(KAFKAS, ObjectKey(key.namespace, cluster)) if cluster else None
    lists += [listener.servers for listener in published(kafka)] if kafka else []
    running = remembered(store.get(DEPLOYMENTS, key))
    lists += [running.bootstrap_servers] if running else []
    return frozenset(server.strip() for listed in lists for server in listed.split(",") if server.strip())
