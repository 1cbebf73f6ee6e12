"""Debezium in the relay's place: the connector of task_api/DEBEZIUM.md publishes what the relay would."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest
from sqlalchemy import make_url

from dev.connect import LocalConnect
from dev.postgres import LocalPostgres
from eventconsumer_api.encoding import as_json
from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.database import Database
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Message

    from dev.kafka import LocalBroker
    from eventconsumer_api.publisher import Outgoing

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Told = tuple[str, str, dict[str, Any]]


@pytest.fixture
def logical() -> Iterator[LocalPostgres]:
    with LocalPostgres(wal_level="logical") as server:
        yield server


def connector(url: str, topic: str) -> dict[str, Any]:
    """Return the connector as the document has it, with the test's addresses."""
    text = Path("task_api/DEBEZIUM.md").read_text()
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found
    written: dict[str, Any] = json.loads(found[1])
    place = make_url(url)
    written["config"] |= {
        "database.hostname": place.host,
        "database.port": str(place.port),
        "database.user": place.username,
        "database.password": place.password,
        "database.dbname": place.database,
        "transforms.outbox.route.topic.replacement": topic,
    }
    return written


def told(key: str, value: str, headers: dict[str, Any]) -> Told:
    """Return what a message says; a moment may be written in several ways."""
    headers = {name: text for name, text in headers.items() if text is not None}
    return key, value, headers | {"ce_time": datetime.fromisoformat(headers["ce_time"])}


def of_debezium(message: Message) -> Told:
    key, value = message.key(), message.value()
    assert isinstance(key, bytes)
    assert isinstance(value, bytes)
    headers = {name: text and text.decode() for name, text in _pairs(message)}
    return told(key.decode(), value.decode(), headers)


def _pairs(message: Message) -> list[tuple[str, bytes | None]]:
    return cast("list[tuple[str, bytes | None]]", message.headers() or [])


def of_relay(message: Outgoing) -> Told:
    key, value, headers = message
    assert isinstance(value, str)
    return told(key, value, dict(headers))


def test_debezium_publishes_what_the_relay_would_before_it_came_and_since(
    logical: LocalPostgres, broker: LocalBroker, topic: str, tmp_path: Path
) -> None:
    url = logical.create_database("tasks")
    servers = broker.bootstrap_servers
    with (
        ApiProcess(tmp_path, bootstrap_servers=servers, topic=topic, DATABASE_URL=url, RELAY="off") as api,
        httpx2.Client(base_url=api.url, headers={"traceparent": TRACE}, timeout=30) as http,
    ):
        first = [http.post("/tasks", json={"title": f"Task {number}"}).json() for number in range(5)]
        http.post(f"/tasks/{first[0]['id']}/complete")
        with LocalConnect(servers, connector(url, topic)):
            http.headers.pop("traceparent")
            second = http.post("/tasks", json={"title": "Wäsche waschen"}).json()
            http.post(f"/tasks/{second['id']}/complete")
            client = BrokerClient(servers)
            eventually("8 events", lambda: sum(client.end_offsets(topic).values()) == 8)
            found = [of_debezium(message) for message in client.messages(topic, count=8)]
    with closing(Database(url)) as database, database.read() as connection:
        expected = [of_relay(as_json(event)) for event in outbox.waiting(connection, limit=100)]
    # Tasks are in partitions of their own; the order within each is what counts.
    assert sorted(found, key=itemgetter(0)) == sorted(expected, key=itemgetter(0))
