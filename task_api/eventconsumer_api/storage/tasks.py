"""Statements on the table `tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from eventconsumer_api.models import Page, Status, Task
from eventconsumer_api.moments import utc_text
from eventconsumer_api.storage.insertion import Insertion
from eventconsumer_api.storage.tables import tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from sqlalchemy import ColumnElement, Connection, Row

    from eventconsumer_api.models import TaskFilter

_TASK = (
    tasks.c.id,
    tasks.c.title,
    tasks.c.status,
    tasks.c.owner_id,
    tasks.c.version,
    tasks.c.created_at,
    tasks.c.updated_at,
)


_insertion = Insertion(tasks, *(column.name for column in _TASK))


def add_all(connection: Connection, new: Iterable[Task]) -> None:
    """Write new tasks."""
    _insertion.write(connection, [_row(task) for task in new])


def replace(connection: Connection, task: Task) -> None:
    """Write the new state of a task that is there."""
    connection.execute(update(tasks).where(tasks.c.id == task.id), _columns(task))


def get(connection: Connection, task_id: UUID, *, to_change: bool = False) -> Task | None:
    """Return the task, or None when there is none with this id; one to change is nobody else's to change."""
    query = select(*_TASK).where(tasks.c.id == task_id)
    if to_change:
        # SQLite has one writer at a time anyway, and leaves these words out.
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _task(row)


def page(connection: Connection, wanted: TaskFilter, *, after: int | None, limit: int) -> Page:
    """Return up to ``limit`` tasks, from behind the place ``after``."""
    place = tasks.c.sequence
    query = select(place, *_TASK).where(*_conditions(wanted))
    if after is not None:
        query = query.where(place < after if wanted.newest_first else place > after)
    # One more than asked for, to know whether any follow.
    query = query.order_by(place.desc() if wanted.newest_first else place).limit(limit + 1)
    rows = connection.execute(query).all()
    return Page([_task(row) for row in rows[:limit]], rows[limit - 1].sequence if len(rows) > limit else None)


def _conditions(wanted: TaskFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.status is not None:
        yield tasks.c.status == wanted.status.value
    if wanted.owner_id is not None:
        yield tasks.c.owner_id == wanted.owner_id
    if wanted.text is not None:
        yield tasks.c.title.icontains(wanted.text, autoescape=True)


def _columns(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "title": task.title,
        "status": task.status.value,
        "owner_id": task.owner_id,
        "version": task.version,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
    }


def _row(task: Task) -> tuple[str | int | None, ...]:
    return (
        str(task.id),
        task.title,
        task.status.value,
        None if task.owner_id is None else str(task.owner_id),
        task.version,
        utc_text(task.created_at),
        utc_text(task.updated_at),
    )


def _task(row: Row[*tuple[Any, ...]]) -> Task:
    return Task(
        id=row.id,
        title=row.title,
        status=Status(row.status),
        owner_id=row.owner_id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
