"""Which Kafka the operator asks for workers that were given servers, and as whom."""

from __future__ import annotations

from eventconsumer_operator.access import Access, Credentials, Login
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.models import EventConsumer
from eventconsumer_operator.names import KAFKAS
from eventconsumer_operator.reach import access_to
from eventconsumer_operator.security import SecretKey, Security, Tls
from eventconsumer_operator.store import Store
from tests.unit.operator.builders import CA, kafka, resource, world

SECURED = Security(
    Tls(SecretKey("events-cluster-ca-cert", "ca.crt"), SecretKey("reader", "crt"), SecretKey("reader", "key"))
)
RUNNING = Connection("events-mtls:9092", "task-events", security=SECURED)
OURS = Credentials(folder="/c", namespace="tasks", kafka="events", authentication="tls")


def reached(*, namespace: str = "tasks") -> Access:
    """Return how a Kafka of the namespace tasks is reached for a resource that names it no more."""
    store = Store()
    store.put(KAFKAS, kafka("plain", "mtls"))
    body = resource()
    body["metadata"]["namespace"] = namespace
    moved = world(consumer=EventConsumer.model_validate(body), topic=None, kafka=None)
    return access_to(RUNNING, moved, store, [OURS])


def test_servers_that_a_kafka_of_the_namespace_publishes_are_asked_as_that_kafka_is() -> None:
    assert reached() == Access("events-mtls:9092", tls=True, ca=CA, login=Login("/c", certificate=True))


def test_credentials_for_a_kafka_serve_no_resource_of_another_namespace() -> None:
    assert reached(namespace="other").login is None
    assert "kafkaCredentials" in (reached(namespace="other").fault or "")
