"""The documents about the topic are a contract too: they change only together with their golden files."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import fastavro
import jsonschema_rs
import pytest

from eventconsumer_api.avro_schema import avro_schema
from eventconsumer_api.contract import asyncapi, event_schema
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.models import new_task
from tests.support.events import event

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[2] / "data" / "contract"
A_UUID = UUID("0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01")


def document() -> dict[str, Any]:
    return asyncapi(topic="task-events", version="0.0.0")


def is_an_event(value: object) -> bool:
    return jsonschema_rs.validator_for(event_schema(), validate_formats=True).is_valid(value)


@pytest.mark.parametrize(
    ("name", "generated"),
    [
        ("task-event.schema.json", event_schema),
        ("task-event.avsc", avro_schema),
        ("asyncapi.json", document),
    ],
)
def test_a_document_changes_only_with_its_golden_file(
    name: str, generated: Callable[[], dict[str, Any]]
) -> None:
    golden = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(generated(), indent=2) + "\n")
    assert json.loads(golden.read_text()) == generated()


@pytest.mark.parametrize("owner_id", [None, A_UUID], ids=["nobody's", "somebody's"])
@pytest.mark.parametrize("event_type", EventType)
def test_every_event_holds_to_its_schema(event_type: EventType, owner_id: UUID | None) -> None:
    task = new_task(A_UUID, "Buy groceries", owner_id, datetime.now(UTC))
    assert is_an_event(json.loads(task_event(event_type, task, A_UUID).to_json()))


def test_the_avro_of_an_event_has_the_fields_of_its_json() -> None:
    task = new_task(A_UUID, "Buy é", None, datetime.now(UTC))
    text = task_event(EventType.CREATED, task, A_UUID).to_json()
    body = io.BytesIO()
    fastavro.schemaless_writer(body, avro_schema(), json.loads(text))
    body.seek(0)
    assert json.dumps(fastavro.schemaless_reader(body, avro_schema(), None)) == text


def test_a_topic_in_avro_is_described_in_avro() -> None:
    created = asyncapi(topic="task-events", version="0.0.0", avro=True)["components"]["messages"][
        "task_created"
    ]
    assert (created["contentType"], created["payload"]["schema"]) == ("application/avro", avro_schema())


def test_the_example_in_the_schema_is_an_event() -> None:
    assert [is_an_event(example) for example in event_schema()["examples"]] == [True]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event_type": "task.deleted"}, id="an unknown type"),
        pytest.param({"event_id": "one"}, id="an id that is no UUID"),
        pytest.param({"occurred_at": "yesterday"}, id="a time that is none"),
        pytest.param({"data": {"title": "Buy groceries", "status": "pending"}}, id="no task id"),
        pytest.param({"metadata": None}, id="no metadata"),
    ],
)
def test_what_breaks_the_contract_is_no_event(changes: dict[str, Any]) -> None:
    assert is_an_event(event())
    assert not is_an_event(event(**changes))


def test_a_field_that_a_later_version_adds_breaks_no_reader_of_today() -> None:
    assert is_an_event(event(priority="high"))


def test_a_reader_may_do_without_the_owner_as_the_seed_said_optional() -> None:
    without = event()
    del without["data"]["owner_id"]
    assert is_an_event(without)


def test_each_message_of_the_channel_is_of_one_type_and_leads_to_its_parts() -> None:
    found = document()
    messages = found["components"]["messages"]
    assert [message["name"] for message in messages.values()] == [each.value for each in EventType]
    assert list(found["channels"]["taskEvents"]["messages"]) == list(messages)
    schemas = {"components": {"schemas": found["components"]["schemas"]}}
    created = jsonschema_rs.validator_for({**messages["task_created"]["payload"], **schemas})
    assert created.is_valid(event("task.created"))
    assert not created.is_valid(event("task.completed"))
