"""Reads events in Avro with the schemas of a schema registry. Only here is its client.

A schema is asked for once; which one a message was written with is in its first bytes. While the registry is
away the messages wait (``NotDone``): nothing is lost and nothing is set aside. A schema that the registry
does not know, and bytes that are not what their schema says, make the message unreadable for good; such a
schema is asked for again after a minute. The loop has to turn meanwhile, so a slow registry gets seconds.
"""

from __future__ import annotations

import io
import json
import time
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
_REFUSED_SECONDS = 60.0
_OPENING_SECONDS = 5.0


class _NoSchema(Exception):  # noqa: N818  # what became of the message, not a fault of ours
    """There is no schema that the message can be read with; the text says why."""


class Registry:
    """Opens messages in Avro; used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.schema_registry_url
        self._client = SchemaRegistryClient(_client_config(settings))
        self._schemas: dict[int, Schema] = {}
        self._refused: dict[int, str] = {}
        """Why there is no schema, by its id."""
        self._refused_since = 0.0

    def opened(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return messages with JSON for what was Avro; raise ``NotDone`` while the registry is away.

        It returns the first of them only, one at least, where all would take too long.
        """
        if not any(is_framed(record.value()) for record in records):
            return records
        if time.monotonic() - self._refused_since > _REFUSED_SECONDS:
            self._refused.clear()
        deadline = time.monotonic() + _OPENING_SECONDS
        opened = []
        for record in records:
            opened.append(self._open(record))
            if time.monotonic() > deadline:
                break
        return opened

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
        if number not in self._refused:
            try:
                self._schemas[number] = self._asked(number)
                return self._schemas[number]
            except _NoSchema as reason:
                if not self._refused:
                    self._refused_since = time.monotonic()
                self._refused[number] = str(reason)
        raise _NoSchema(self._refused[number])

    def _asked(self, number: int) -> Schema:
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
        try:
            return parse_schema(json.loads(found.schema_str or ""))
        except Exception as fault:  # what is no schema raises whatever it meets
            raise _NoSchema(f"schema {number} can't be parsed: {type(fault).__name__}: {fault}") from fault


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
