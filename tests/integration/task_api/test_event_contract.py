"""What is really in the topic holds to the published contract, and the workers read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import jsonschema_rs

from dev import asyncapi
from eventconsumer_workers.envelope import TaskEvent, read_all
from eventconsumer_workers.tracing import carried
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient

if TYPE_CHECKING:
    from pathlib import Path

    from dev.kafka import LocalBroker

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_published_events_hold_to_the_served_contract_and_workers_read_them(
    tmp_path: Path, broker: LocalBroker, topic: str
) -> None:
    with (
        ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic) as api,
        httpx2.Client(base_url=api.url, headers={"traceparent": TRACEPARENT}, timeout=30) as http,
    ):
        address = http.post("/tasks", json={"title": "Buy é", "owner_id": str(uuid4())}).headers["location"]
        http.patch(address, json={"status": "in_progress"})
        http.post(f"{address}/complete")
        schema = http.get("/schemas/task-event.json").json()
        channel = http.get("/asyncapi.json").json()
        messages = BrokerClient(broker.bootstrap_servers).messages(topic, count=3)
    values = [message.value() for message in messages]

    event = jsonschema_rs.validator_for(schema, validate_formats=True)
    assert [list(event.iter_errors(json.loads(value or b""))) for value in values] == [[], [], []]
    headers = jsonschema_rs.validator_for(channel["components"]["messages"]["task_created"]["headers"])
    for message in messages:
        found = dict(message.headers() or ())
        assert headers.is_valid(
            {name: text.decode() for name, text in found.items() if isinstance(text, bytes)}
        )
        assert carried(message.headers()) == {"traceparent": TRACEPARENT}
    outcomes, odd = read_all(values, frozenset())
    assert (odd, [type(outcome) for outcome in outcomes]) == ([], [TaskEvent] * 3)
    official = jsonschema_rs.validator_for(asyncapi.schema())
    assert list(official.iter_errors(channel)) == []
