"""Which EventConsumers have to be looked at again when an object changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator.groups import sharers
from eventconsumer_operator.indexes import BY_CLUSTER, BY_TOPIC, BY_USER, group_of
from eventconsumer_operator.names import (
    CLAIMS,
    DEPLOYMENTS,
    EVENT_CONSUMERS,
    INSTANCE_LABEL,
    KAFKAS,
    KIND,
    PODS,
    TOPICS,
    USERS,
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
        case _ if kind == USERS:
            return _logged_in_as(key, store)
        case _:
            return set()


def _owners(manifest: Manifest, key: ObjectKey) -> set[ObjectKey]:
    metadata = manifest["metadata"]
    names = {entry["name"] for entry in metadata.get("ownerReferences", []) if entry.get("kind") == KIND}
    label = metadata.get("labels", {}).get(INSTANCE_LABEL)
    return {ObjectKey(key.namespace, name) for name in names | ({label} if label else set())}


def _readers(topic: ObjectKey, store: Store) -> set[ObjectKey]:
    return set(store.keys_by(EVENT_CONSUMERS, BY_TOPIC, topic))


def _logged_in_as(user: ObjectKey, store: Store) -> set[ObjectKey]:
    return set(store.keys_by(EVENT_CONSUMERS, BY_USER, user))


def _clients(kafka: ObjectKey, store: Store) -> set[ObjectKey]:
    topics = store.keys_by(TOPICS, BY_CLUSTER, kafka)
    return {consumer for topic in topics for consumer in _readers(topic, store)}


def _with_sharers(keys: set[ObjectKey], store: Store) -> set[ObjectKey]:
    """Add those that wait for a group of theirs: which cluster a group is on may have changed."""
    consumers = [store.get(EVENT_CONSUMERS, key) for key in keys]
    return keys | sharers({group_of(consumer) for consumer in consumers if consumer}, store)
