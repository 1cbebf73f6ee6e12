"""One pass over all resources: look, decide, change what differs. Passes know nothing of each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from dev.strimzi_standin import brokers, kafkas, topics, user_operator
from dev.strimzi_standin.authorities import authority
from dev.strimzi_standin.broker import Connection, away
from dev.strimzi_standin.topics import FINALIZER, Problem
from dev.strimzi_standin.user_operator import UserOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.strimzi_standin.authorities import Authority
    from dev.strimzi_standin.cluster import Cluster
    from dev.strimzi_standin.secret import Secret
    from dev.strimzi_standin.topics import Manifest

_KAFKAS, _TOPICS = "kafkas", "kafkatopics"


class Operator:
    """What Strimzi's Cluster, Topic and User Operators do together, for one namespace."""

    def __init__(self, cluster: Cluster, kafka_version: str) -> None:
        self._cluster = cluster
        self._kafka_version = kafka_version
        self._connections: dict[str, Connection] = {}
        self._user_operators: dict[str, UserOperator] = {}

    def run_pass(self) -> None:
        """Bring every Kafka, KafkaTopic and KafkaUser one step closer to what it asks for."""
        resources, users = self._cluster.list(_TOPICS), self._cluster.list(user_operator.PLURAL)
        secrets = self._cluster.secrets()
        for kafka in self._cluster.list(_KAFKAS):
            cluster, clients = self._certify(kafka, secrets)
            connection = self._connection(kafka)
            broker = self._ask(connection)
            status = kafkas.status(kafka, broker, certificate=cluster.identity.certificate, now=_now())
            self._write(_KAFKAS, kafka, status)
            if broker:
                name = kafka["metadata"]["name"]
                self._topics(connection, [one for one in resources if topics.cluster_of(one) == name])
                own = [one for one in users if topics.cluster_of(one) == name]
                self._users(connection, own, clients, secrets)

    def _certify(self, kafka: Manifest, secrets: Mapping[str, Secret]) -> tuple[Authority, Authority]:
        """Give a Kafka its two authorities and its broker's certificate; a new one restarts the broker."""
        name = kafka["metadata"]["name"]
        cluster, clients = (authority(name, role, secrets, now=_now()) for role in ("cluster", "clients"))
        own = brokers.secret(kafka, cluster, clients, secrets)
        for wanted in (cluster.private, cluster.public, clients.private, clients.public, own):
            if wanted != secrets.get(wanted.name):
                self._cluster.write_secret(wanted, kafka)
                print(f"Secret {wanted.name}: new", flush=True)
        mark = brokers.CERTIFICATE_HASH
        self._cluster.mark_pods(f"{name}-kafka", mark, own.annotations[mark])
        return cluster, clients

    def _connection(self, kafka: Manifest) -> Connection:
        address = kafkas.bootstrap_servers(kafka)
        if address not in self._connections:
            self._connections[address] = Connection(address)
        return self._connections[address]

    def _ask(self, connection: Connection) -> kafkas.Broker | None:
        try:
            return kafkas.Broker(connection.cluster_id(), self._kafka_version)
        except KafkaException:
            return None

    def _topics(self, connection: Connection, resources: list[Manifest]) -> None:
        try:
            existing = connection.topics(topics.topic_name(resource) for resource in resources)
            for resource in resources:
                self._topic(connection, resource, existing.get(topics.topic_name(resource)), resources)
        except KafkaException as error:
            if not away(error):
                raise
            print(f"Kafka is away: {error}", flush=True)

    def _users(
        self,
        connection: Connection,
        resources: list[Manifest],
        clients: Authority,
        secrets: Mapping[str, Secret],
    ) -> None:
        address = connection.bootstrap_servers
        operator = self._user_operators.setdefault(address, UserOperator(self._cluster, connection.access))
        try:
            operator.run_pass(resources, clients, secrets, now=_now())
        except KafkaException as error:
            if not away(error):
                raise
            print(f"Kafka is away: {error}", flush=True)

    def _topic(
        self,
        connection: Connection,
        resource: Manifest,
        topic: topics.Topic | None,
        resources: list[Manifest],
    ) -> None:
        problem = topics.conflict(resource, resources)
        if topics.deleting(resource):
            self._delete(connection, resource, owned=problem is None)
            return
        if not topics.paused(resource) and problem is None:
            if FINALIZER not in resource["metadata"].get("finalizers", []):
                self._cluster.set_finalizer(_TOPICS, resource, present=True)
                return  # The resource has changed: the next pass reads it anew.
            problem = topics.refusal(resource, topic)
            if problem is None and (changes := topics.actions(resource, topic)):
                problem = self._perform(connection, topics.topic_name(resource), changes)
                if problem is None:
                    return  # The next pass sees what Kafka made of it, and only then says Ready.
        self._write(_TOPICS, resource, topics.status(resource, topic, problem, now=_now()))

    def _perform(self, connection: Connection, name: str, changes: list[topics.Action]) -> Problem | None:
        try:
            for action in changes:
                connection.perform(name, action)
                print(f"{name}: {action}", flush=True)
        except KafkaException as error:
            if away(error):
                raise
            return Problem("KafkaError", error.args[0].str())
        return None

    def _delete(self, connection: Connection, resource: Manifest, *, owned: bool) -> None:
        if FINALIZER not in resource["metadata"].get("finalizers", []):
            return
        if owned and not topics.paused(resource):
            connection.delete(topics.topic_name(resource))
            print(f"{topics.topic_name(resource)}: deleted", flush=True)
        self._cluster.set_finalizer(_TOPICS, resource, present=False)

    def _write(self, plural: str, resource: Manifest, status: Manifest) -> None:
        if status != resource.get("status", {}):
            self._cluster.write_status(plural, resource, status)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
