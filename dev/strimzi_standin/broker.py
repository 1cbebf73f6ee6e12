"""The connection to one Kafka cluster: what it has, and the few changes that KafkaTopics ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
)
from confluent_kafka.cimpl import NewPartitions, NewTopic

from dev.strimzi_standin.access import Access
from dev.strimzi_standin.topics import Action, Configure, Create, Grow, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECONDS = 5.0
_NOT_THERE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_EXCEPTION}
# Both mean that the next pass, with a fresh look at the broker, finds nothing left to do.
_SETTLED = {KafkaError.TOPIC_ALREADY_EXISTS, KafkaError.UNKNOWN_TOPIC_OR_PART}


class Connection:
    """One Kafka cluster; every call raises KafkaException where the broker is away or refuses."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient(
            {
                "bootstrap.servers": bootstrap_servers,
                "reconnect.backoff.max.ms": 1000,
                # While a pod is replaced, its Service may lead to nobody who would refuse.
                "socket.connection.setup.timeout.ms": 2000,
                "log_level": 0,
                "client.id": "strimzi-standin",
            }
        )
        self.access = Access(self._admin)

    def cluster_id(self) -> str:
        """Return the id of the cluster that answers."""
        return str(self._admin.describe_cluster(request_timeout=_SECONDS).result().cluster_id)

    def topics(self, names: Iterable[str]) -> dict[str, Topic]:
        """Return those of the named topics that exist."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        found = {}
        described = self._admin.describe_topics(TopicCollection(wanted), request_timeout=_SECONDS)
        for name, future in described.items():
            try:
                found[name] = future.result()
            except KafkaException as error:
                if error.args[0].code() not in _NOT_THERE:
                    raise
        configs = self._configs(found)
        return {
            name: Topic(url_safe(str(topic.topic_id)), len(topic.partitions), configs[name])
            for name, topic in found.items()
        }

    def perform(self, name: str, action: Action) -> None:
        """Make one change to a topic."""
        if isinstance(action, Create):
            new = NewTopic(name, action.partitions or -1, replication_factor=-1, config=dict(action.config))
            future = self._admin.create_topics([new], request_timeout=_SECONDS)[name]
        elif isinstance(action, Grow):
            grown = NewPartitions(name, action.partitions)
            future = self._admin.create_partitions([grown], request_timeout=_SECONDS)[name]
        else:
            [future] = self._admin.incremental_alter_configs(
                [_resource(name, action)], request_timeout=_SECONDS
            ).values()
        _settle(future)

    def delete(self, name: str) -> None:
        """Delete a topic; one that is not there is fine."""
        _settle(self._admin.delete_topics([name], request_timeout=_SECONDS)[name])

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        if not resources:
            return {}
        described = self._admin.describe_configs(resources, request_timeout=_SECONDS)
        return {
            resource.name: {
                entry.name: entry.value
                for entry in future.result().values()
                if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
            }
            for resource, future in described.items()
        }


def url_safe(topic_id: str) -> str:
    """Write a topic's id as Kafka and Strimzi do; librdkafka uses the other alphabet of base64."""
    return topic_id.replace("+", "-").replace("/", "_")


def away(error: KafkaException) -> bool:
    """Tell whether an error is about reaching the broker, and not the broker's own answer."""
    # librdkafka numbers its own errors below zero; the broker's are the protocol's, above it.
    return bool(error.args[0].code() < 0 or error.args[0].retriable())


def _settle(future: object) -> None:
    try:
        future.result()  # type: ignore[attr-defined]  # the admin client's futures are untyped
    except KafkaException as error:
        if error.args[0].code() not in _SETTLED:
            raise


def _resource(name: str, action: Configure) -> ConfigResource:
    entries = [
        ConfigEntry(
            key,
            value or "",
            incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
        )
        for key, value in action.changes.items()
    ]
    return ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
