"""Events in Avro, framed with the id that a schema registry gave their schema. Only here is its client.

It is asked by the relay and never by a request: a registry that is away, or that refuses the schema, delays
events in the outbox and loses none. It is asked once in the life of a process; each further event is encoded
without it.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from eventconsumer_api.avro_schema import avro_schema
from eventconsumer_api.encoding import EncodingDelayed
from eventconsumer_api.events import AVRO_CONTENT, headers
from eventconsumer_api.publisher import Unpublishable

if TYPE_CHECKING:
    from eventconsumer_api.publisher import Outgoing
    from eventconsumer_api.registry_settings import RegistrySettings
    from eventconsumer_api.storage.outbox import WaitingRow

_log = logging.getLogger(__name__)

# Below what the relay may be silent for before another takes its turn.
_ANSWER_SECONDS = 3
_COMPATIBILITY = "BACKWARD"
_NOT_FOUND = 404
# What the parser of JSON and the writer of Avro raise for what they were given, for want of a name of theirs.
_UNFIT = (ValueError, TypeError, LookupError, AttributeError)
_REASON_LENGTH = 500


class AvroEncoder:
    """Encodes events for one topic; used by one thread."""

    def __init__(self, settings: RegistrySettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._context = SerializationContext(topic, MessageField.VALUE)
        self._serializer: AvroSerializer | None = None
        self._was_known: bool | None = None

    def __call__(self, event: WaitingRow) -> Outgoing:
        """Return the event in Avro.

        Raises ``EncodingDelayed`` while the registry does not take its schema, and ``Unpublishable`` for an
        event that does not fit into it.
        """
        if self._serializer is None:
            self._serializer = self._registered()
        _, event_id, key, event_type, payload, moment, traceparent = event
        try:
            value = self._serializer(json.loads(payload), self._context)
        except SchemaRegistryError as refusal:
            raise EncodingDelayed(str(refusal)) from refusal
        except _UNFIT as misfit:
            raise Unpublishable(f"it does not fit the Avro schema: {misfit!r}"[:_REASON_LENGTH]) from misfit
        return key, value or b"", headers(event_id, event_type, moment, traceparent, AVRO_CONTENT)

    def _registered(self) -> AvroSerializer:
        subject, schema = f"{self._topic}-value", Schema(json.dumps(avro_schema()), "AVRO")
        address = self._settings.schema_registry_url
        try:
            client = SchemaRegistryClient(_client_config(self._settings))
            # Kept over attempts: one may end between the next two questions.
            if self._was_known is None:
                self._was_known = _is_known(client, subject)
            number = client.register_schema(subject, schema)
            if not self._was_known:
                # From the second version on the registry holds us to it, whoever writes that.
                client.set_compatibility(subject, _COMPATIBILITY)
        except SchemaRegistryError as refusal:
            raise EncodingDelayed(
                f"the schema registry {address} refuses the schema of {subject}: {refusal}"
            ) from refusal
        except Exception as fault:  # the client has no name for all that a network may do
            raise EncodingDelayed(f"the schema registry {address} does not answer: {fault}") from fault
        _log.info("The schema registry has the schema of %s under id %d", subject, number)
        serializer: AvroSerializer = AvroSerializer(
            client, schema, conf={"subject.name.strategy": topic_subject_name_strategy}
        )
        return serializer


def _is_known(client: SchemaRegistryClient, subject: str) -> bool:
    try:
        client.get_latest_version(subject)
    except SchemaRegistryError as answer:
        if answer.http_status_code == _NOT_FOUND:
            return False
        raise
    return True


def _client_config(settings: RegistrySettings) -> dict[str, Any]:
    config: dict[str, Any] = {
        "url": settings.schema_registry_url,
        "timeout": _ANSWER_SECONDS,
        "max.retries": 0,  # the relay tries again, with growing pauses
    }
    if settings.schema_registry_password_file is not None:
        password = settings.schema_registry_password_file.read_text().strip()
        config["basic.auth.user.info"] = f"{settings.schema_registry_username}:{password}"
    return config
