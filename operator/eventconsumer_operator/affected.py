"""Which EventConsumers have to be looked at again when an object changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator.connection import cluster_of
from eventconsumer_operator.groups import group_of, sharers
from eventconsumer_operator.names import (
    CLAIMS,
    DEPLOYMENTS,
    EVENT_CONSUMERS,
    INSTANCE_LABEL,
    KAFKAS,
    KIND,
    PODS,
    TOPICS,
    ObjectKey,
)
from eventconsumer_operator.store import key_of

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.store import Store


def affected(kind: str, manifest: Manifest, store: Store) -> set[ObjectKey]:
    """Return the EventConsumers that one changed object concerns."""
    key = key_of(manifest)
    match kind:
        case _ if kind == EVENT_CONSUMERS:
            return {key} | sharers({group_of(manifest)}, store)
        case _ if kind in {DEPLOYMENTS, CLAIMS, PODS}:
            return _owners(manifest, key)
        case _ if kind == TOPICS:
            return _with_sharers(_readers(key, store), store)
        case _ if kind == KAFKAS:
            return _with_sharers(_clients(key, store), store)
        case _:
            return set()


def _owners(manifest: Manifest, key: ObjectKey) -> set[ObjectKey]:
    metadata = manifest["metadata"]
    names = {entry["name"] for entry in metadata.get("ownerReferences", []) if entry.get("kind") == KIND}
    label = metadata.get("labels", {}).get(INSTANCE_LABEL)
    return {ObjectKey(key.namespace, name) for name in names | ({label} if label else set())}


def _readers(topic: ObjectKey, store: Store) -> set[ObjectKey]:
    return {
        key
        for key, consumer in store.all(EVENT_CONSUMERS).items()
        if key.namespace == topic.namespace and _topic_ref(consumer) == topic.name
    }


def _clients(kafka: ObjectKey, store: Store) -> set[ObjectKey]:
    topics = {
        key
        for key, topic in store.all(TOPICS).items()
        if key.namespace == kafka.namespace and cluster_of(topic) == kafka.name
    }
    return {consumer for topic in topics for consumer in _readers(topic, store)}


def _with_sharers(keys: set[ObjectKey], store: Store) -> set[ObjectKey]:
    """Add those that wait for a group of theirs: which cluster a group is on may have changed."""
    consumers = store.all(EVENT_CONSUMERS)
    return keys | sharers({group_of(consumers[key]) for key in keys}, store)


def _topic_ref(consumer: Manifest) -> str | None:
    name: str | None = consumer.get("spec", {}).get("topicRef", {}).get("name")
    return name
