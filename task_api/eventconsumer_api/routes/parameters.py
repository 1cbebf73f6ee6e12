"""What routes ask of a request, each by the name of its type."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Header, Path, Request

from eventconsumer_api.etags import required_versions
from eventconsumer_api.services.tasks import TaskNotFound, TaskService


# Coroutines, because they wait for nothing: plain functions would each cost a change of thread.
async def _service(request: Request) -> TaskService:
    return cast("TaskService", request.state.tasks)


async def _correlation_id(request: Request) -> UUID:
    return cast("UUID", request.state.correlation_id)


async def _task_id(task_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})]) -> UUID:
    try:
        return UUID(task_id)
    except ValueError:
        raise TaskNotFound(task_id) from None


async def _versions(
    if_match: Annotated[
        str | None, Header(description="Change the task only in this version: an ETag.", examples=['"2"'])
    ] = None,
) -> frozenset[str] | None:
    return required_versions(if_match)


Tasks = Annotated[TaskService, Depends(_service)]
CorrelationId = Annotated[UUID, Depends(_correlation_id)]
TaskId = Annotated[UUID, Depends(_task_id)]
Versions = Annotated[frozenset[str] | None, Depends(_versions)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,255}$",
        description="Any word of yours, such as a UUID: with the same one, the same request makes one task.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]
KnownVersions = Annotated[
    str | None, Header(alias="If-None-Match", description="ETags of the versions you have.", examples=['"2"'])
]
