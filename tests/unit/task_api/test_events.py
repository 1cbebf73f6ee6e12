"""The event's JSON is a contract with services we never see, so it is compared whole, byte for byte."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from eventconsumer_api.events import EventType, task_event, what_happened
from eventconsumer_api.models import Status, Task, TaskChanges, changed

TASK_ID = UUID("0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01")
OWNER_ID = UUID("5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59")
CORRELATION_ID = UUID("9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c")


def a_task(
    title: str = "Buy groceries", status: Status = Status.PENDING, owner_id: UUID | None = None
) -> Task:
    return Task(id=TASK_ID, title=title, status=status, owner_id=owner_id)


def test_the_json_of_an_event_is_the_contract_byte_for_byte() -> None:
    event = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    assert event.to_json() == (
        '{"event_type": "task.created", "data": {"task_id": "0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01", '
        '"title": "Buy groceries", "status": "pending", "owner_id": null}, '
        '"metadata": {"correlation_id": "9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c", "source": "task-api"}, '
        f'"event_id": "{event.event_id}", "occurred_at": "{event.occurred_at}"}}'
    )


def test_an_owner_travels_as_its_uuid() -> None:
    event = json.loads(task_event(EventType.UPDATED, a_task(owner_id=OWNER_ID), CORRELATION_ID).to_json())
    assert event["data"]["owner_id"] == "5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59"


def test_every_event_has_its_own_id_and_a_time_in_utc() -> None:
    first = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    second = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    assert UUID(first.event_id) != UUID(second.event_id)
    assert first.occurred_at.endswith("+00:00")


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        pytest.param("pending", {}, None, id="no change"),
        pytest.param(
            "pending", {"title": "Buy groceries", "status": Status.PENDING}, None, id="what already is"
        ),
        pytest.param("pending", {"title": "Buy milk"}, EventType.UPDATED, id="another title"),
        pytest.param("pending", {"status": Status.IN_PROGRESS}, EventType.UPDATED, id="a start"),
        pytest.param("pending", {"owner_id": OWNER_ID}, EventType.UPDATED, id="an owner"),
        pytest.param("pending", {"status": Status.COMPLETED}, EventType.COMPLETED, id="a completion"),
        pytest.param(
            "in_progress",
            {"title": "Buy milk", "status": Status.COMPLETED},
            EventType.COMPLETED,
            id="both at once",
        ),
        pytest.param("completed", {"status": Status.COMPLETED}, None, id="a second completion"),
        pytest.param(
            "completed", {"title": "Buy milk"}, EventType.UPDATED, id="a correction after completion"
        ),
        pytest.param("completed", {"status": Status.PENDING}, EventType.UPDATED, id="a reopening"),
    ],
)
def test_one_change_is_one_event_and_no_change_is_none(
    status: str, changes: TaskChanges, expected: EventType | None
) -> None:
    before = a_task(status=Status(status))
    assert what_happened(before, changed(before, changes)) is expected
