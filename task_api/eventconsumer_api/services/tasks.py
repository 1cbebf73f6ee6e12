"""Tasks and their events. Invariant: a task and its event are written together, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from eventconsumer_api.events import EventType, task_event, what_happened
from eventconsumer_api.models import Status, Task, TaskChanges, changed
from eventconsumer_api.storage import outbox, tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_api.storage.database import Database


class TaskNotFound(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """There is no task with this id."""

    def __init__(self, task_id: UUID | str) -> None:
        super().__init__(f"There is no task {task_id}.")
        self.task_id = task_id


class TaskService:
    """Every operation on tasks; ``committed`` is called after each commit that left an event to publish."""

    def __init__(self, database: Database, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed

    def create(self, *, title: str, owner_id: UUID | None, correlation_id: UUID) -> Task:
        """Create a pending task and its `task.created` event."""
        task = Task(id=uuid4(), title=title, status=Status.PENDING, owner_id=owner_id)
        event = task_event(EventType.CREATED, task, correlation_id)
        with self._database.write() as connection:
            tasks.add(connection, task)
            outbox.add(connection, event)
        self._committed()
        return task

    def get(self, task_id: UUID) -> Task:
        """Return one task; raises TaskNotFound."""
        with self._database.read() as connection:
            task = tasks.get(connection, task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task

    def page(self, *, after: UUID | None, limit: int) -> Sequence[Task]:
        """Return up to ``limit`` tasks, oldest first, behind the task ``after``; raises TaskNotFound."""
        with self._database.read() as connection:
            if after is not None and tasks.get(connection, after) is None:
                raise TaskNotFound(after)
            return tasks.page(connection, after=after, limit=limit)

    def change(self, task_id: UUID, changes: TaskChanges, *, correlation_id: UUID) -> Task:
        """Change a task and write the one event that tells of it; raises TaskNotFound.

        Becoming completed is a `task.completed`, any other change (reopening too) a `task.updated`. Changes
        that ask for what already is change nothing and have no event: completing twice is one event.
        """
        with self._database.write() as connection:
            before = tasks.get(connection, task_id)
            if before is None:
                raise TaskNotFound(task_id)
            after = changed(before, changes)
            happened = what_happened(before, after)
            if happened is None:
                return before
            tasks.replace(connection, after)
            outbox.add(connection, task_event(happened, after, correlation_id))
        self._committed()
        return after

    def complete(self, task_id: UUID, *, correlation_id: UUID) -> Task:
        """Complete a task; one that is complete stays so, without another event; raises TaskNotFound."""
        return self.change(task_id, {"status": Status.COMPLETED}, correlation_id=correlation_id)
