"""Builds the relay of this process from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.bell import Bell
from eventconsumer_api.encoding import as_json
from eventconsumer_api.kafka_security import KafkaCredentials
from eventconsumer_api.publisher import Publisher
from eventconsumer_api.relay import Relay, Way
from eventconsumer_api.storage.turn import turn

if TYPE_CHECKING:
    from eventconsumer_api.config import Settings
    from eventconsumer_api.metrics import Metrics
    from eventconsumer_api.relay import Encode
    from eventconsumer_api.storage.database import Database


def relay_of(settings: Settings, database: Database, metrics: Metrics) -> Relay | None:
    """Return the relay, which is not started yet; None where it is switched off."""
    if settings.relay == "off":
        return None
    bell = Bell()
    way = Way(
        turn=turn(database, settings.database_url, bell),
        bell=bell,
        encode=_encode(settings),
        publisher=Publisher(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            topic=settings.kafka_topic,
            client_id=settings.client_id,
            credentials=KafkaCredentials(settings),
        ),
    )
    return Relay(database, way, metrics)


def _encode(settings: Settings) -> Encode:
    if settings.event_format == "json":
        return as_json
    # Avro and the registry's client cost a second and 20 MB, which only those pay who use them.
    from eventconsumer_api.registry import AvroEncoder  # noqa: PLC0415

    return AvroEncoder(settings, settings.kafka_topic)


def nobody_waits() -> None:
    """Do nothing after a commit: something else reads the outbox."""
