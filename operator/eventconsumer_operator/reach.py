"""Which Kafka cluster the operator asks for an EventConsumer: the one that its workers are at. Pure.

Workers stay where they are while their resource already names another place that is not ready for them. So
the servers that they were given decide, and what the resource names now only where it publishes them: else
lag would be another cluster's, and a consumer group would be deleted there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator import access
from eventconsumer_operator.listeners import published
from eventconsumer_operator.names import KAFKAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eventconsumer_operator.access import Access, Credentials
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.store import Store
    from eventconsumer_operator.world import World


def access_to(
    connection: Connection, world: World, store: Store, credentials: Iterable[Credentials]
) -> Access:
    """Return how the operator itself reaches the Kafka that a connection leads to."""
    servers = connection.bootstrap_servers
    if world.kafka is not None and _publishes(world.kafka, servers):
        return access.through_strimzi(world.kafka, credentials)
    kafka = _kafka_at(servers, world.consumer.metadata.namespace, store)
    if kafka is None:
        return access.to_servers(connection, credentials)
    return access.through_strimzi(kafka, credentials)


def _kafka_at(servers: str, namespace: str, store: Store) -> Manifest | None:
    """Return the Kafka of a namespace that publishes these servers, if there is one."""
    known = (store.get(KAFKAS, key) for key in sorted(store.keys(KAFKAS)) if key.namespace == namespace)
    return next((kafka for kafka in known if kafka and _publishes(kafka, servers)), None)


def _publishes(kafka: Manifest, servers: str) -> bool:
    return any(listener.servers == servers for listener in published(kafka))
