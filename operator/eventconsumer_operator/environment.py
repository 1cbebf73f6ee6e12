"""What a worker is told by its environment: a contract with the workers that has a test of its own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator import mounts, sinks
from eventconsumer_operator.models import seconds
from eventconsumer_operator.names import AUDIT_FOLDER, HEALTH_PORT
from eventconsumer_operator.security import SecretKey

if TYPE_CHECKING:
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import Delivery, EventConsumer


def environment(consumer: EventConsumer, connection: Connection) -> dict[str, str | SecretKey]:
    """Return what the workers are told, plainly or by a Secret; what is absent keeps the worker's default."""
    env: dict[str, str | SecretKey] = {
        "KAFKA_BOOTSTRAP_SERVERS": connection.bootstrap_servers,
        "KAFKA_TOPIC": connection.topic,
        "KAFKA_GROUP_ID": consumer.group_id,
        "KAFKA_DEAD_LETTER_TOPIC": consumer.dead_letter_topic(connection.topic),
        "KAFKA_AUTO_OFFSET_RESET": consumer.spec.start_from,
        "HEALTH_PORT": str(HEALTH_PORT),
        **_delivery(consumer.spec.delivery),
        **mounts.variables(connection.security),
        **sinks.variables(consumer.spec.worker),
    }
    if consumer.spec.event_types:
        env["EVENT_TYPES"] = ",".join(consumer.spec.event_types)
    if consumer.spec.worker.has_volume:
        env["AUDIT_LOG_PATH"] = f"{AUDIT_FOLDER}/audit.log"
    if consumer.spec.worker.type == "audit" and (database := consumer.spec.worker.storage.postgresql):
        env["AUDIT_DATABASE_URL"] = SecretKey(database.url_secret.name, database.url_secret.key)
    return env


def _delivery(delivery: Delivery) -> dict[str, str]:
    initial, longest = delivery.backoff.initial, delivery.backoff.max
    said = {
        "DELIVERY_ATTEMPTS": delivery.attempts,
        "DELIVERY_BACKOFF_SECONDS": None if initial is None else seconds(initial),
        "DELIVERY_BACKOFF_MAX_SECONDS": None if longest is None else seconds(longest),
        "HANDLER_CONCURRENCY": delivery.concurrency,
    }
    return {name: str(value) for name, value in said.items() if value is not None}
