"""Workers on events in Avro, with a real schema registry: read like JSON, and never lost while it is away."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from eventconsumer_api.avro_schema import avro_schema
from tests.support.events import encoded, event
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from dev.registry import LocalRegistry
    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient


@pytest.fixture
def schema_id(registry: LocalRegistry, topic: str) -> int:
    with SchemaRegistryClient({"url": registry.url}) as client:
        number: int = client.register_schema(f"{topic}-value", Schema(json.dumps(avro_schema()), "AVRO"))
    return number


def framed(number: int, body: bytes) -> bytes:
    return b"\x00" + number.to_bytes(4, "big") + body


def in_avro(number: int, told: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, avro_schema(), told)
    return framed(number, body.getvalue())


def test_avro_and_json_are_handled_alike_and_what_cannot_be_read_is_set_aside_as_it_came(
    worker: StartWorker,
    client: BrokerClient,
    registry: LocalRegistry,
    topic: str,
    schema_id: int,
    audit_log: Path,
) -> None:
    client.create_topic(f"{topic}-dlq")
    told = event(title="In Avro é")
    unknown, broken = framed(2**31 - 1, b"\x02x"), framed(schema_id, b"\xff")
    values = [encoded(title="In JSON"), unknown, in_avro(schema_id, told), broken, encoded(title="In JSON")]
    client.publish(topic, values, partition=0)

    notification = worker("notification", SCHEMA_REGISTRY_URL=registry.url).start()
    worker("audit", SCHEMA_REGISTRY_URL=registry.url).start()

    for group in (f"{topic}-notification", f"{topic}-audit"):
        eventually(
            f"{group} committed all",
            partial(client.committed_offsets, group, topic),
            until=lambda committed: committed.get(0) == 5,
        )
    assert len(notification.lines("NOTIFICATION: ")) == 3
    entries = map(json.loads, audit_log.read_bytes().splitlines())
    kept = [entry["event"] for entry in entries if "event" in entry]
    assert (len(kept), told in kept) == (3, True)
    letters = client.messages(f"{topic}-dlq", count=4)
    assert sorted(letter.value() or b"" for letter in letters) == sorted([unknown, broken] * 2)
    reasons = str([dict(letter.headers() or ())["dlq_error"] for letter in letters])
    assert f"the schema registry knows no schema {2**31 - 1}" in reasons
    assert "not what its Avro schema says" in reasons


def test_a_registry_that_is_away_holds_the_partition_and_nothing_is_lost(
    worker: StartWorker, client: BrokerClient, registry: LocalRegistry, topic: str, schema_id: int
) -> None:
    client.create_topic(f"{topic}-dlq")
    client.publish(topic, [in_avro(schema_id, event())], partition=0)
    registry.pause()
    try:
        process = worker("notification", SCHEMA_REGISTRY_URL=registry.url).start()
        eventually(
            "it says what it waits for",
            lambda: process.probe("/readyz"),
            until=lambda answer: "does not answer" in answer[1],
        )
        assert client.committed_offsets(f"{topic}-notification", topic).get(0, 0) == 0
    finally:
        registry.resume()
    group = f"{topic}-notification"
    eventually("the event is handled", lambda: client.committed_offsets(group, topic).get(0) == 1)
    assert len(process.lines("NOTIFICATION: ")) == 1
    assert client.end_offsets(f"{topic}-dlq") == {0: 0}
