"""Reads events in Avro with the schemas of a schema registry. Only here is its client.

A schema is asked for once; which one a message was written with is in its first bytes. While the registry is
away the messages wait (``NotDone``): nothing is lost and nothing is set aside. A schema that the registry
does not know, and bytes that are not what their schema says, make the message unreadable for good.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import msgspec
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from fastavro import parse_schema, schemaless_reader

from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.opened import FRAME_BYTES, Opened, Unreadable, is_framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastavro.types import Schema

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import Record

_ANSWER_SECONDS = 5
_NO_SUCH_SCHEMA = 40403


class _NoSchema(Exception):  # noqa: N818  # what became of the message, not a fault of ours
    """There is no schema that the message can be read with; the text says why."""


class Registry:
    """Opens messages in Avro; used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.schema_registry_url
        self._client = SchemaRegistryClient(_client_config(settings))
        self._schemas: dict[int, Schema] = {}

    def opened(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return messages with JSON for what was Avro; raise ``NotDone`` while the registry is away."""
        if not any(is_framed(record.value()) for record in records):
            return records
        return [self._open(record) for record in records]

    def _open(self, record: Record) -> Record:
        value = record.value()
        if value is None or not is_framed(value):
            return record
        try:
            schema = self._schema(int.from_bytes(value[1:FRAME_BYTES], "big"))
            event = schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), schema, None)
            return Opened(record, msgspec.json.encode(event))
        except NotDone:
            raise
        except _NoSchema as fault:
            return Unreadable(record, str(fault))
        except Exception as fault:  # noqa: BLE001  # bytes that break their schema raise whatever they meet
            return Unreadable(record, f"not what its Avro schema says: {type(fault).__name__}: {fault}")

    def _schema(self, number: int) -> Schema:
        known = self._schemas.get(number)
        if known is not None:
            return known
        try:
            found = self._client.get_schema(number)
        except SchemaRegistryError as answer:
            if answer.error_code == _NO_SUCH_SCHEMA:
                raise _NoSchema(f"the schema registry knows no schema {number}") from answer
            raise NotDone(
                f"the schema registry {self._address} gives no schema {number}: {answer}"
            ) from answer
        except Exception as fault:
            # The client has no name for all that a network may do.
            raise NotDone(f"the schema registry {self._address} does not answer: {fault}") from fault
        if found.schema_type not in {None, "AVRO"}:
            raise _NoSchema(f"schema {number} is {found.schema_type}, and workers read JSON and Avro")
        self._schemas[number] = parse_schema(json.loads(found.schema_str or ""))
        return self._schemas[number]


def _client_config(settings: Settings) -> dict[str, Any]:
    # The loop asks again, with growing pauses.
    config: dict[str, Any] = {
        "url": settings.schema_registry_url,
        "timeout": _ANSWER_SECONDS,
        "max.retries": 0,
    }
    if settings.schema_registry_password_file is not None:
        password = settings.schema_registry_password_file.read_text().strip()
        config["basic.auth.user.info"] = f"{settings.schema_registry_username}:{password}"
    return config
