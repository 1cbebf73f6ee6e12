"""Tasks and their events.

Invariants: a task and its event are written together, or not at all; to a caller, the tasks of others are
not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from eventconsumer_api.events import EventType, task_event, what_happened
from eventconsumer_api.models import Status, Task, TaskChanges, changed
from eventconsumer_api.storage import outbox, tasks
from eventconsumer_api.traceparent import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_api.principal import Principal
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

    def create(self, caller: Principal, *, title: str, owner_id: UUID | None, correlation_id: UUID) -> Task:
        """Create a pending task, the caller's unless said otherwise, and its event; raises NotAllowed."""
        owner = caller.owner_of_new(owner_id)
        task = Task(id=uuid4(), title=title, status=Status.PENDING, owner_id=owner)
        event = task_event(EventType.CREATED, task, correlation_id)
        with self._database.write() as connection:
            tasks.add(connection, task)
            outbox.add(connection, event, traceparent=current_traceparent())
        self._committed()
        return task

    def get(self, caller: Principal, task_id: UUID) -> Task:
        """Return one task; raises TaskNotFound."""
        with self._database.read() as connection:
            task = tasks.get(connection, task_id)
        return _theirs(caller, task_id, task)

    def page(self, caller: Principal, *, after: UUID | None, limit: int) -> Sequence[Task]:
        """Return up to ``limit`` tasks of the caller, oldest first, behind ``after``; raises TaskNotFound."""
        with self._database.read() as connection:
            if after is not None:
                _theirs(caller, after, tasks.get(connection, after))
            owner_id = None if caller.admin else caller.owner_id
            return tasks.page(connection, owner_id=owner_id, after=after, limit=limit)

    def change(self, caller: Principal, task_id: UUID, changes: TaskChanges, *, correlation_id: UUID) -> Task:
        """Change a task and write the one event that tells of it; raises TaskNotFound or NotAllowed.

        Becoming completed is a `task.completed`, any other change (reopening too) a `task.updated`. Changes
        that ask for what already is change nothing and have no event: completing twice is one event.
        """
        with self._database.write() as connection:
            before = _theirs(caller, task_id, tasks.get_to_change(connection, task_id))
            caller.check(changes)
            after = changed(before, changes)
            happened = what_happened(before, after)
            if happened is None:
                return before
            tasks.replace(connection, after)
            event = task_event(happened, after, correlation_id)
            outbox.add(connection, event, traceparent=current_traceparent())
        self._committed()
        return after

    def complete(self, caller: Principal, task_id: UUID, *, correlation_id: UUID) -> Task:
        """Complete a task; one that is complete stays so, without another event; raises TaskNotFound."""
        return self.change(caller, task_id, {"status": Status.COMPLETED}, correlation_id=correlation_id)


def _theirs(caller: Principal, task_id: UUID, task: Task | None) -> Task:
    """Return the task if it is the caller's; one of somebody else is not found, as if it was not there."""
    if task is None or not caller.may_see(task.owner_id):
        raise TaskNotFound(task_id)
    return task
