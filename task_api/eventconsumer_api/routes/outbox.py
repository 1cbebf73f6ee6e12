"""The routes that show where events are: those of one task, all in numbers, and live."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from eventconsumer_api.routes import answers, streaming
from eventconsumer_api.routes.caller import Caller
from eventconsumer_api.routes.parameters import TaskId
from eventconsumer_api.services.outbox import OutboxService
from eventconsumer_api.services.watcher import Watcher
from eventconsumer_api.whereabouts import Place, Whereabouts

router = APIRouter(tags=["outbox"])

_EXAMPLE: JsonDict = {
    "event_id": "0b7d8f3c-2d52-4f0e-8a55-0a9f6f3b9f10",
    "event_type": "task.created",
    "place": "published",
    "since": "2026-11-21T12:00:00.034000Z",
    "partition": 2,
    "offset": 41,
    "reason": None,
}


class EventBody(BaseModel):
    """Where one event is."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    event_id: UUID
    event_type: str
    place: Annotated[
        Place,
        Field(description="`waiting` in the outbox, `published`, or `rejected`: Kafka will never take it."),
    ]
    since: Annotated[datetime, Field(description="When it was committed or, if published, published.")]
    partition: Annotated[int | None, Field(description="Where in the topic it is; null until published.")]
    offset: Annotated[int | None, Field(description="Where in the partition it is; null until published.")]
    reason: Annotated[str | None, Field(description="Why Kafka will never take it; null unless rejected.")]


class OutboxBody(BaseModel):
    """How deep the outbox is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pending": 4, "oldest_seconds": 12.5, "rejected": 0}]}
    )

    pending: Annotated[int, Field(description="Events that wait for Kafka, counted up to 10,000.")]
    oldest_seconds: Annotated[
        float, Field(description="How long the first of them has waited; 0 when none waits.")
    ]
    rejected: Annotated[int, Field(description="Events set aside for good, counted up to 10,000.")]


_STREAM: answers.Answers = {
    200: {
        "description": "Events named `history` (once), `outbox` (every 1.5 s) and `events` (when one moved).",
        "content": {"text/event-stream": {"schema": streaming.SCHEMA, "example": streaming.EXAMPLE}},
    }
}
_FULL = answers.problem(HTTPStatus.SERVICE_UNAVAILABLE, "Every place to watch from is taken.", answers.RETRY)


async def _service(request: Request) -> OutboxService:
    return cast("OutboxService", request.state.outbox)


async def _watcher(request: Request) -> AsyncIterator[Watcher]:
    watcher = cast("Watcher", request.state.watcher)
    with watcher.place():
        yield watcher


Outbox = Annotated[OutboxService, Depends(_service)]


@router.get(
    "/tasks/{task_id}/events",
    tags=["tasks"],
    response_model=list[EventBody],
    responses=answers.NOT_FOUND | answers.UNAVAILABLE,
)
def task_events(task_id: TaskId, outbox: Outbox, caller: Caller) -> Sequence[Whereabouts]:
    """Say where the newest hundred events of a task are, oldest first.

    The place of the newest thousand published events is kept, of all tasks; what is older, or was one of very
    many at once, is published and no longer listed.
    """
    return outbox.of_task(caller, task_id)


@router.get("/outbox", responses=answers.UNAVAILABLE)
def outbox_depth(outbox: Outbox) -> OutboxBody:
    """Say how many events wait for Kafka, for how long, and how many it will never take."""
    depth = outbox.depth()
    seconds = round(depth.oldest_seconds(datetime.now(UTC)), 3)
    return OutboxBody(pending=depth.pending, oldest_seconds=seconds, rejected=depth.rejected)


@router.get(
    "/outbox/stream",
    response_class=StreamingResponse,
    responses=_STREAM | _FULL,
)
async def outbox_stream(watcher: Annotated[Watcher, Depends(_watcher)], caller: Caller) -> StreamingResponse:
    """Tell of the outbox and of the caller's newest events as Server-Sent Events, for at most five minutes.

    Open the next stream when one ends. A number that is not known is null.
    """
    return StreamingResponse(
        streaming.messages(watcher, caller),
        media_type="text/event-stream",
        # A proxy that gathers an answer before it passes it on would make this one useless.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
