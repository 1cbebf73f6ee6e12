"""What people may know of the outbox and of their events' way: questions only, nothing is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_api.services.tasks import TaskNotFound
from eventconsumer_api.storage import tasks, whereabouts
from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.whereabouts import Look

if TYPE_CHECKING:
    from uuid import UUID

    from eventconsumer_api.principal import Principal
    from eventconsumer_api.storage.database import Database
    from eventconsumer_api.whereabouts import Depth, Whereabouts

_EVENTS_OF_A_TASK = 100
_NEWEST = 50


class OutboxService:
    """Answers where events are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def depth(self) -> Depth:
        """Say how many events wait, and since when."""
        with self._database.read() as connection:
            return whereabouts.depth(connection)

    def of_task(self, caller: Principal, task_id: UUID) -> list[Whereabouts]:
        """Return the newest hundred events of a task, oldest first; raises TaskNotFound."""
        with self._database.read() as connection:
            task = tasks.get(connection, task_id)
            if task is None or not caller.may_see(task.owner_id):
                raise TaskNotFound(task_id)
            return whereabouts.of_task(connection, task_id, limit=_EVENTS_OF_A_TASK)

    def look(self) -> Look:
        """Take one look for everybody who watches, in three queries."""
        now = datetime.now(UTC)
        try:
            with self._database.read() as connection:
                depth = whereabouts.depth(connection)
                return Look(now, depth, tuple(whereabouts.newest(connection, limit=_NEWEST)))
        except DatabaseUnavailable:
            return Look(now, depth=None)
