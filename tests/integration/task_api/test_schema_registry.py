"""Events in Avro, with a real schema registry: its schema evolves, and its absence only delays."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import fastavro
import httpx2
import jsonschema_rs
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from dev import asyncapi
from eventconsumer_api.avro_schema import avro_schema
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.kafka import LocalBroker
    from dev.registry import LocalRegistry

PRIORITY = {"name": "priority", "type": "string", "default": "normal"}


def with_field(field: dict[str, str]) -> dict[str, Any]:
    schema = avro_schema()
    return {**schema, "fields": [*schema["fields"], field]}


def avro(schema: dict[str, Any]) -> Schema:
    return Schema(json.dumps(schema), "AVRO")


def read(framed: bytes, *, written: dict[str, Any], reader: dict[str, Any]) -> dict[str, Any]:
    """Read a body as a consumer does that knows ``reader`` only."""
    found = fastavro.schemaless_reader(io.BytesIO(framed[5:]), written, reader)
    assert isinstance(found, dict)
    return found


def write(event: dict[str, Any], schema: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, event)
    return b"\x00\x00\x00\x00\x01" + body.getvalue()


def schema_id(framed: bytes) -> int:
    return int.from_bytes(framed[1:5], "big")


@pytest.fixture
def client(registry: LocalRegistry) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": registry.url, "max.retries": 0}) as client:
        yield client


@pytest.fixture
def api(tmp_path: Path, broker: LocalBroker, topic: str, registry: LocalRegistry) -> ApiProcess:
    return ApiProcess(
        tmp_path,
        bootstrap_servers=broker.bootstrap_servers,
        topic=topic,
        EVENT_FORMAT="avro",
        SCHEMA_REGISTRY_URL=registry.url,
    )


def one_event(broker: LocalBroker, topic: str) -> tuple[bytes, dict[str, Any]]:
    (message,) = BrokerClient(broker.bootstrap_servers).messages(topic, count=1)
    return message.value() or b"", dict(message.headers() or ())


def waiting_payload(api: ApiProcess) -> dict[str, Any]:
    connection = sqlite3.connect(api.database)
    ((payload,),) = connection.execute("SELECT payload FROM outbox").fetchall()
    connection.close()
    found = json.loads(payload)
    assert isinstance(found, dict)
    return found


def test_an_event_in_avro_has_the_structure_of_its_json_and_the_registrys_schema_id(
    api: ApiProcess, broker: LocalBroker, topic: str, client: SchemaRegistryClient
) -> None:
    with api:
        task = httpx2.post(f"{api.url}/tasks", json={"title": "Buy é"}, timeout=30).json()
        value, headers = one_event(broker, topic)
        served = httpx2.get(f"{api.url}/asyncapi.json", timeout=30).json()
    assert value[0] == 0
    registered = json.loads(client.get_schema(schema_id(value)).schema_str or "")
    assert registered == avro_schema()
    event = read(value, written=registered, reader=avro_schema())
    assert event["data"] == {"task_id": task["id"], "title": "Buy é", "status": "pending", "owner_id": None}
    assert list(event) == ["event_type", "data", "metadata", "event_id", "occurred_at"]
    assert (headers["content-type"], headers["ce_id"]) == (b"application/avro", event["event_id"].encode())
    official = jsonschema_rs.validator_for(asyncapi.schema())
    assert list(official.iter_errors(served)) == []
    assert served["components"]["messages"]["task_created"]["payload"]["schema"] == avro_schema()


def test_old_and_new_readers_understand_each_others_events_and_the_registry_refuses_what_they_would_not(
    api: ApiProcess, broker: LocalBroker, topic: str, client: SchemaRegistryClient
) -> None:
    with api:
        httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, timeout=30)
        value, _ = one_event(broker, topic)
    old, new = avro_schema(), with_field(PRIORITY)
    subject = f"{topic}-value"

    assert client.test_compatibility(subject, avro(new))
    client.register_schema(subject, avro(new))
    assert read(value, written=old, reader=new)["priority"] == "normal"
    event = {**read(value, written=old, reader=old), "priority": "high"}
    assert read(write(event, new), written=new, reader=old) == read(value, written=old, reader=old)
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, avro(with_field({"name": "colour", "type": "string"})))
    assert refused.value.http_status_code == 409


def test_an_event_that_does_not_fit_the_schema_stands_aside_with_its_reason_and_holds_up_nobody(
    api: ApiProcess, broker: LocalBroker, topic: str, tmp_path: Path
) -> None:
    with ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic, RELAY="off") as writes:
        for title in ("First", "Second"):
            httpx2.post(f"{writes.url}/tasks", json={"title": title}, timeout=30)
    with closing(sqlite3.connect(api.database)) as connection:
        connection.execute("""UPDATE outbox SET payload = '{"data": {}}' WHERE sequence = 1""")
        connection.commit()
    with api:
        value, _ = one_event(broker, topic)
        eventually("it is set aside", lambda: "is set aside" in api.log())
    with closing(sqlite3.connect(api.database)) as connection:
        ((number, reason),) = connection.execute("SELECT sequence, rejected_reason FROM outbox").fetchall()
    assert read(value, written=avro_schema(), reader=avro_schema())["data"]["title"] == "Second"
    assert number == 1
    assert reason.startswith("it does not fit the Avro schema: ")


def test_a_registry_that_is_away_holds_up_the_relay_and_no_request(
    api: ApiProcess, broker: LocalBroker, topic: str, registry: LocalRegistry
) -> None:
    registry.stop()
    with api:
        answer = httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, timeout=30)
        eventually("the relay says why it waits", lambda: "does not answer" in api.log(), within=30)
        waits = waiting_payload(api)
        registry.start()
        _, headers = one_event(broker, topic)
    assert answer.status_code == 201
    assert headers["id"] == waits["event_id"].encode()


def test_a_schema_that_the_registry_refuses_is_told_with_its_status_and_the_events_wait(
    api: ApiProcess, topic: str, client: SchemaRegistryClient
) -> None:
    subject = f"{topic}-value"
    client.register_schema(subject, avro({"type": "record", "name": "Other", "fields": []}))
    client.set_compatibility(subject, "BACKWARD")
    with api:
        assert httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, timeout=30).is_success
        eventually("the relay says why it waits", lambda: "HTTP status code 409" in api.log(), within=30)
        assert f"refuses the schema of {subject}" in api.log()
        assert waiting_payload(api)["data"]["title"] == "Buy groceries"
