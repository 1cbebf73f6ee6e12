"""A new task with the event that tells of it: drawn up without the database, and written into it together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_api.events import EventType, TaskEvent, task_event
from eventconsumer_api.ids import new_ordered_id
from eventconsumer_api.models import Task, new_task
from eventconsumer_api.storage import outbox, tasks
from eventconsumer_api.storage.insertion import in_one_go
from eventconsumer_api.traceparent import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection

    from eventconsumer_api.principal import Principal


@dataclass(frozen=True, slots=True)
class Creation:
    """A task that is not stored yet, its event, and the trace of the request that asked for them."""

    task: Task
    event: TaskEvent
    traceparent: str | None


def creation(caller: Principal, *, title: str, owner_id: UUID | None, correlation_id: UUID) -> Creation:
    """Draw up a pending task, the caller's unless said otherwise, and its event; raises NotAllowed."""
    task = new_task(new_ordered_id(), title, caller.owner_of_new(owner_id), datetime.now(UTC))
    event = task_event(EventType.CREATED, task, correlation_id)
    return Creation(task, event, current_traceparent())


def write(connection: Connection, creations: Sequence[Creation]) -> None:
    """Write tasks with their events."""
    with in_one_go(connection):
        tasks.add_all(connection, [new.task for new in creations])
        outbox.add_all(connection, [(new.event, new.traceparent) for new in creations])
