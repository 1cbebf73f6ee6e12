"""The events other services read: their JSON is a contract, so its keys and their order live only here.

Pure: an event is built from what a task was and what it is now, without a look at clock, database or broker
beyond the defaults for its own id and time. Its headers say what its JSON says: `ce_id` and `ce_time` are
the `event_id` and the `occurred_at` of the same event.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from eventconsumer_api.models import Status

if TYPE_CHECKING:
    from uuid import UUID

    from eventconsumer_api.models import Task


SOURCE = "task-api"
JSON_CONTENT = "application/json"

Headers = list[tuple[str, str | bytes | None]]
"""Headers of a Kafka message, as the client takes them."""


class EventType(StrEnum):
    """What happened to a task."""

    CREATED = "task.created"
    UPDATED = "task.updated"
    COMPLETED = "task.completed"


@dataclass(frozen=True, slots=True)
class TaskData:
    """The task right after the change."""

    task_id: str
    title: str
    status: str
    owner_id: str | None


@dataclass(frozen=True, slots=True)
class EventMetadata:
    """Where the event comes from, and the request that caused it."""

    correlation_id: str
    source: str = SOURCE


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One event; the order of the fields is the order of the keys in its JSON."""

    event_type: str
    data: TaskData
    metadata: EventMetadata
    event_id: str = field(default_factory=lambda: str(uuid4()))
    occurred_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def to_json(self) -> str:
        """Serialise the event as it travels."""
        return json.dumps(asdict(self))


class Row(Protocol):
    """What an outbox row says of its event beside the payload."""

    @property
    def id(self) -> UUID:
        """The event's id."""

    @property
    def type(self) -> str:
        """What happened."""

    @property
    def created_at(self) -> datetime:
        """When it happened, in whatever zone."""

    @property
    def traceparent(self) -> str | None:
        """The trace of the request that caused it, if it had one."""


def headers(row: Row, content_type: str = JSON_CONTENT) -> Headers:
    """Return the message headers: CloudEvents 1.0 in binary mode, the id as Debezium names it, the trace."""
    event_id = str(row.id)
    found: Headers = [
        ("id", event_id),
        ("ce_specversion", "1.0"),
        ("ce_id", event_id),
        ("ce_type", row.type),
        ("ce_source", SOURCE),
        ("ce_time", row.created_at.astimezone(UTC).isoformat()),
        ("content-type", content_type),
    ]
    if row.traceparent is not None:
        found.append(("traceparent", row.traceparent))
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
        event_type=event_type.value,
        data=TaskData(
            task_id=str(task.id),
            title=task.title,
            status=task.status.value,
            owner_id=None if task.owner_id is None else str(task.owner_id),
        ),
        metadata=EventMetadata(correlation_id=str(correlation_id)),
    )
