"""N: the Task API as a tutorial writes it, with tasks in memory, publishing and flushing in the handler.

`HTTP` and `LOOP` say which parsers and loops uvicorn takes, in its words; unsaid, the fastest installed.
"""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import uvicorn
from confluent_kafka import Producer
from fastapi import FastAPI
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FLUSH_SECONDS = 10


class Publisher:
    """An idempotent producer with the tutorial's settings."""

    def __init__(self) -> None:
        self._topic = os.environ["KAFKA_TOPIC"]
        self._producer = Producer(
            {
                "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
                "client.id": "task-api-publisher",
                "acks": "all",
                "enable.idempotence": True,
                "max.in.flight.requests.per.connection": 5,
                "retries": 2147483647,
                "delivery.timeout.ms": 30000,
                "log_level": 2,
            }
        )

    def publish(self, task: Task) -> None:
        """Publish that a task was created, and wait until Kafka has it."""
        event = {
            "event_type": "task.created",
            "data": {
                "task_id": task.id,
                "title": task.title,
                "status": task.status,
                "owner_id": task.owner_id,
            },
            "metadata": {"correlation_id": str(uuid4()), "source": "task-api"},
            "event_id": str(uuid4()),
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        self._producer.produce(topic=self._topic, key=task.id, value=json.dumps(event))
        self._producer.poll(0)
        self._producer.flush(_FLUSH_SECONDS)


class TaskCreate(BaseModel):
    """A task to create."""

    title: str
    owner_id: str | None = None


class Task(BaseModel):
    """A task."""

    id: str
    title: str
    status: str
    owner_id: str | None = None


tasks: dict[str, Task] = {}
publishers: list[Publisher] = []


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Have a publisher while the app runs."""
    publishers.append(Publisher())
    yield


app = FastAPI(title="Task API", lifespan=lifespan)


@app.post("/tasks", response_model=Task)
async def create_task(task_in: TaskCreate) -> Task:
    """Create a task and publish it."""
    task = Task(id=str(uuid4()), title=task_in.title, status="pending", owner_id=task_in.owner_id)
    tasks[task.id] = task
    publishers[0].publish(task)
    return task


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        http=os.environ.get("HTTP", "auto"),
        loop=os.environ.get("LOOP", "auto"),
    )
