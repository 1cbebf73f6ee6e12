"""Tasks and their events.

Invariants: a task and its event are written together, or not at all; a change is made to the version it was
meant for; to a caller, the tasks of others are not there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_api.events import task_event, what_happened
from eventconsumer_api.models import Page, Status, Task, TaskChanges, changed
from eventconsumer_api.services.creation import write
from eventconsumer_api.services.idempotency import IdempotencyKeys
from eventconsumer_api.storage import outbox, tasks
from eventconsumer_api.traceparent import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from eventconsumer_api.models import TaskFilter
    from eventconsumer_api.principal import Principal
    from eventconsumer_api.services.creation import Creation
    from eventconsumer_api.storage.database import Database


class TaskNotFound(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """There is no task with this id."""

    def __init__(self, task_id: UUID | str) -> None:
        super().__init__(f"There is no task {task_id}.")
        self.task_id = task_id


class TaskHasChanged(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """The task is no longer in the version that the change was meant for."""

    def __init__(self, version: int) -> None:
        super().__init__(f"The task has changed: it is in version {version} now. Read it, and decide again.")
        self.version = version


class TaskService:
    """Every operation on tasks; ``committed`` is called after each commit that left an event to publish."""

    def __init__(self, database: Database, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed
        self._keys = IdempotencyKeys(database)

    def create_once(self, caller: Principal, key: str, new: Creation) -> Task:
        """Create a task, or return the one that the caller made before with this key, as it is now.

        Raises KeyUsedOtherwise for a key that was used for something else.
        """
        self._keys.prune_when_due()
        with self._database.write() as connection:
            made = self._keys.task_made(connection, caller, key, new.task)
            if made != new.task.id:
                return _theirs(caller, made, tasks.get(connection, made))
            write(connection, [new])
        self._committed()
        return new.task

    def get(self, caller: Principal, task_id: UUID) -> Task:
        """Return one task; raises TaskNotFound."""
        with self._database.read() as connection:
            task = tasks.get(connection, task_id)
        return _theirs(caller, task_id, task)

    def page(self, caller: Principal, wanted: TaskFilter, *, after: int | None, limit: int) -> Page:
        """Return up to ``limit`` tasks of the caller, from behind the place ``after``."""
        visible = _visible(caller, wanted)
        if visible is None:
            return Page([], end=None)
        with self._database.read() as connection:
            return tasks.page(connection, visible, after=after, limit=limit)

    def change(
        self,
        caller: Principal,
        task_id: UUID,
        changes: TaskChanges,
        *,
        correlation_id: UUID,
        versions: frozenset[str] | None = None,
    ) -> Task:
        """Change a task and write the one event that tells of it.

        Becoming completed is a `task.completed`, any other change (reopening too) a `task.updated`. Changes
        that ask for what already is change nothing and have no event: completing twice is one event.

        Raises TaskNotFound, NotAllowed, and TaskHasChanged when the task is in none of ``versions``.
        """
        with self._database.write() as connection:
            before = _theirs(caller, task_id, tasks.get(connection, task_id, to_change=True))
            if versions is not None and str(before.version) not in versions:
                raise TaskHasChanged(before.version)
            caller.check(changes)
            after = changed(before, changes, datetime.now(UTC))
            happened = what_happened(before, after)
            if happened is None:
                return before
            tasks.replace(connection, after)
            event = task_event(happened, after, correlation_id)
            outbox.add(connection, event, traceparent=current_traceparent())
        self._committed()
        return after

    def complete(
        self,
        caller: Principal,
        task_id: UUID,
        *,
        correlation_id: UUID,
        versions: frozenset[str] | None = None,
    ) -> Task:
        """Complete a task; one that is complete stays so, without another event; raises as `change` does."""
        done: TaskChanges = {"status": Status.COMPLETED}
        return self.change(caller, task_id, done, correlation_id=correlation_id, versions=versions)


def _theirs(caller: Principal, task_id: UUID, task: Task | None) -> Task:
    """Return the task if it is the caller's; one of somebody else is not found, as if it was not there."""
    if task is None or not caller.may_see(task.owner_id):
        raise TaskNotFound(task_id)
    return task


def _visible(caller: Principal, wanted: TaskFilter) -> TaskFilter | None:
    """Narrow a filter to the tasks of the caller; None where that leaves nothing."""
    if caller.admin:
        return wanted
    owner_id = wanted.owner_id or caller.owner_id
    return replace(wanted, owner_id=owner_id) if caller.may_see(owner_id) else None
