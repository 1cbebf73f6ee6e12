"""The event's JSON is a contract with services we never see, so it is compared whole, byte for byte."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_api.events import (
    EventMetadata,
    EventType,
    TaskData,
    TaskEvent,
    headers,
    task_event,
    what_happened,
)
from eventconsumer_api.models import Status, Task, TaskChanges, changed, new_task

TASK_ID = UUID("0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01")
OWNER_ID = UUID("5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59")
CORRELATION_ID = UUID("9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c")


EVENT_ID = UUID("1c9e6679-7425-40de-944b-e07fc1f90ae7")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MOMENT = "2026-01-15T10:30:00+00:00"
HALF_PAST_TEN = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


# Whatever a text may hold, half a surrogate pair and control characters too.
ANY_TEXT = st.text(st.characters(codec=None))
ANY_EVENT = st.builds(
    TaskEvent,
    st.sampled_from(EventType),
    st.builds(TaskData, ANY_TEXT, ANY_TEXT, st.sampled_from(Status), st.none() | ANY_TEXT),
    st.builds(EventMetadata, ANY_TEXT, ANY_TEXT),
    ANY_TEXT,
    ANY_TEXT,
)


def a_task(
    title: str = "Buy groceries", status: Status = Status.PENDING, owner_id: UUID | None = None
) -> Task:
    return replace(new_task(TASK_ID, title, owner_id, HALF_PAST_TEN), status=status)


def test_the_json_of_an_event_is_the_contract_byte_for_byte() -> None:
    event = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    assert event.to_json() == (
        '{"event_type": "task.created", "data": {"task_id": "0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01", '
        '"title": "Buy groceries", "status": "pending", "owner_id": null}, '
        '"metadata": {"correlation_id": "9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c", "source": "task-api"}, '
        f'"event_id": "{event.event_id}", "occurred_at": "{event.occurred_at}"}}'
    )


@given(event=ANY_EVENT)
def test_the_json_of_any_event_is_what_the_json_encoder_makes_of_its_fields(event: TaskEvent) -> None:
    assert event.to_json() == json.dumps(asdict(event))


def test_an_owner_travels_as_its_uuid() -> None:
    event = json.loads(task_event(EventType.UPDATED, a_task(owner_id=OWNER_ID), CORRELATION_ID).to_json())
    assert event["data"]["owner_id"] == "5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59"


def test_every_event_has_its_own_id_and_a_time_in_utc() -> None:
    first = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    second = task_event(EventType.CREATED, a_task(), CORRELATION_ID)
    assert UUID(first.event_id) != UUID(second.event_id)
    assert first.occurred_at.endswith("+00:00")
    assert len(first.occurred_at) == len("2026-01-15T10:30:00.000000+00:00")


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
    assert what_happened(before, changed(before, changes, HALF_PAST_TEN)) is expected


def test_the_headers_of_an_event_are_those_of_cloudevents_and_debezium() -> None:
    assert headers(str(EVENT_ID), "task.created", MOMENT, TRACEPARENT) == [
        ("id", "1c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("ce_specversion", "1.0"),
        ("ce_id", "1c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("ce_type", "task.created"),
        ("ce_source", "task-api"),
        ("ce_time", "2026-01-15T10:30:00+00:00"),
        ("content-type", "application/json"),
        ("traceparent", TRACEPARENT),
    ]


def test_a_request_without_a_trace_gives_an_event_without_one() -> None:
    assert "traceparent" not in dict(headers(str(EVENT_ID), "task.created", MOMENT, None))
