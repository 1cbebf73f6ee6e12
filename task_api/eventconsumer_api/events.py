"""The events other services read: their JSON is a contract, so its keys and their order live only here.

Pure: an event is built from what a task was and what it is now, and beside them only its own id and time.
Its headers say what its JSON says: `ce_id` and `ce_time` are the `event_id` and the `occurred_at`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from eventconsumer_api.ids import new_ordered_id
from eventconsumer_api.models import Status
from eventconsumer_api.moments import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from eventconsumer_api.models import Task


SOURCE = "task-api"
JSON_CONTENT = "application/json"
AVRO_CONTENT = "application/avro"

Headers = list[tuple[str, str | bytes | None]]
"""Headers of a Kafka message, as the client takes them."""

_text = json.JSONEncoder().encode
_SPEC_VERSION = ("ce_specversion", "1.0")
_SOURCE = ("ce_source", SOURCE)


class EventType(StrEnum):
    """What happened to a task."""

    CREATED = "task.created"
    UPDATED = "task.updated"
    COMPLETED = "task.completed"


@dataclass(frozen=True, slots=True)
class Says:
    """What a field of the contract says, for the schemas that are generated from it."""

    description: str
    format: str | None = None
    """How its text is written, in JSON Schema's words."""

    def __get_pydantic_json_schema__(
        self, core: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Add what it says to the field's schema."""
        written = {} if self.format is None else {"format": self.format}
        return {**handler(core), **written, "description": self.description}


@dataclass(frozen=True, slots=True)
class TaskData:
    """The task right after the change."""

    task_id: Annotated[str, Says("The task's id; the message's key too.", "uuid")]
    title: Annotated[str, Says("What is to be done, in one line.")]
    status: Annotated[Status, Says("How far the task is.")]
    owner_id: Annotated[str | None, Says("Who the task belongs to; null for nobody.", "uuid")] = None


@dataclass(frozen=True, slots=True)
class EventMetadata:
    """Where the event comes from, and the request that caused it."""

    correlation_id: Annotated[str, Says("The id of the request that caused the event.", "uuid")]
    source: Annotated[str, Says("Who published the event.")]


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One change of a task."""

    event_type: Annotated[EventType, Says("What happened to the task.")]
    data: TaskData
    metadata: EventMetadata
    event_id: Annotated[str, Says("The event's own id: one that comes again is the same event.", "uuid")]
    occurred_at: Annotated[str, Says("When it happened, in UTC.", "date-time")]

    def to_json(self) -> str:
        """Serialise the event as it travels: its keys in this order, and nothing but ASCII."""
        data, metadata = self.data, self.metadata
        # Written out, because the encoder of `json` takes ten times as long to find out what an event is.
        return (
            f'{{"event_type": {_text(self.event_type)}, '
            f'"data": {{"task_id": {_text(data.task_id)}, "title": {_text(data.title)}, '
            f'"status": {_text(data.status)}, '
            f'"owner_id": {"null" if data.owner_id is None else _text(data.owner_id)}}}, '
            f'"metadata": {{"correlation_id": {_text(metadata.correlation_id)}, '
            f'"source": {_text(metadata.source)}}}, '
            f'"event_id": {_text(self.event_id)}, "occurred_at": {_text(self.occurred_at)}}}'
        )


def headers(
    event_id: str,
    event_type: str,
    moment: str,
    traceparent: str | None,
    content_type: str = JSON_CONTENT,
) -> Headers:
    """Return the message headers: CloudEvents 1.0 in binary mode, the id as Debezium names it, the trace.

    ``moment`` is when it happened, in UTC, as ISO 8601 writes it.
    """
    found: Headers = [
        ("id", event_id),
        _SPEC_VERSION,
        ("ce_id", event_id),
        ("ce_type", event_type),
        _SOURCE,
        ("ce_time", moment),
        ("content-type", content_type),
    ]
    if traceparent is not None:
        found.append(("traceparent", traceparent))
    return found


def what_happened(before: Task, after: Task) -> EventType | None:
    """Name the change of a task; None when nothing changed.

    A change that also completes the task is a completion and nothing else: one change, one event.
    """
    if before == after:
        return None
    if after.status is Status.COMPLETED and before.status is not Status.COMPLETED:
        return EventType.COMPLETED
    return EventType.UPDATED


def task_event(event_type: EventType, task: Task, correlation_id: UUID) -> TaskEvent:
    """Build the event that tells of ``task`` as it is now, caused by the request ``correlation_id``."""
    return TaskEvent(
        event_type=event_type,
        data=TaskData(
            task_id=str(task.id),
            title=task.title,
            status=task.status,
            owner_id=None if task.owner_id is None else str(task.owner_id),
        ),
        metadata=EventMetadata(correlation_id=str(correlation_id), source=SOURCE),
        event_id=str(new_ordered_id()),
        occurred_at=utc_text(datetime.now(UTC)),
    )
