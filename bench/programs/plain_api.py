"""The least a FastAPI app does for the same insert: the same rows by the same statements, and nothing else.

It has no relay, so its events stay where they are.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.ids import new_ordered_id
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema, tasks
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping


class NewTask(BaseModel):
    """A task to create."""

    title: str
    owner_id: UUID | None = None


class TaskBody(BaseModel):
    """A task."""

    id: UUID
    title: str
    status: str
    owner_id: UUID | None


database = Database(os.environ["DATABASE_URL"])
app = FastAPI()


@app.post("/tasks", status_code=201, response_model=TaskBody)
def create_task(body: NewTask) -> Mapping[str, object]:
    """Create a task."""
    task = new_task(new_ordered_id(), body.title, body.owner_id, datetime.now(UTC))
    event = task_event(EventType.CREATED, task, uuid4())
    with database.write() as connection:
        tasks.add_all(connection, [task])
        outbox.add_all(connection, [(event, None)])
    return {"id": task.id, "title": task.title, "status": task.status, "owner_id": task.owner_id}


if __name__ == "__main__":
    schema.migrate(database)
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]))
