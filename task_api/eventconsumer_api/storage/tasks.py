"""Statements on the table `tasks`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from eventconsumer_api.models import Status, Task
from eventconsumer_api.storage.tables import tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Row

_TASK = (tasks.c.id, tasks.c.title, tasks.c.status, tasks.c.owner_id)


def add(connection: Connection, task: Task) -> None:
    """Write a new task."""
    now = datetime.now(UTC)
    new = {"id": task.id, "version": 1, "created_at": now, "updated_at": now}
    connection.execute(insert(tasks), new | _columns(task))


def replace(connection: Connection, task: Task) -> None:
    """Write the new state of a task that is there."""
    change = update(tasks).where(tasks.c.id == task.id).values(version=tasks.c.version + 1)
    connection.execute(change, _columns(task) | {"updated_at": datetime.now(UTC)})


def get(connection: Connection, task_id: UUID) -> Task | None:
    """Return the task, or None when there is none with this id."""
    row = connection.execute(select(*_TASK).where(tasks.c.id == task_id)).one_or_none()
    return None if row is None else _task(row)


def get_to_change(connection: Connection, task_id: UUID) -> Task | None:
    """Return the task as `get` does; until the transaction ends nobody else changes it.

    So the events of one task enter the outbox in the order of its changes. SQLite has one writer anyway.
    """
    row = connection.execute(select(*_TASK).where(tasks.c.id == task_id).with_for_update()).one_or_none()
    return None if row is None else _task(row)


def page(connection: Connection, *, owner_id: UUID | None, after: UUID | None, limit: int) -> Sequence[Task]:
    """Return up to ``limit`` tasks of one owner, or of all, oldest first, behind the task ``after``."""
    query = select(*_TASK).order_by(tasks.c.sequence).limit(limit)
    if owner_id is not None:
        query = query.where(tasks.c.owner_id == owner_id)
    if after is not None:
        place = select(tasks.c.sequence).where(tasks.c.id == after).scalar_subquery()
        query = query.where(tasks.c.sequence > place)
    return [_task(row) for row in connection.execute(query)]


def _columns(task: Task) -> dict[str, object]:
    return {"title": task.title, "status": task.status.value, "owner_id": task.owner_id}


def _task(row: Row[UUID, str, str, UUID | None]) -> Task:
    return Task(id=row.id, title=row.title, status=Status(row.status), owner_id=row.owner_id)
