"""The routes under /tasks."""

from collections.abc import Sequence
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from eventconsumer_api.models import Task, TaskChanges
from eventconsumer_api.problems import MEDIA_TYPE, InvalidField, Problem
from eventconsumer_api.routes.bodies import NewTask, TaskBody, TaskPatch
from eventconsumer_api.routes.caller import Caller
from eventconsumer_api.services.tasks import TaskNotFound, TaskService

Responses = dict[int | str, dict[str, Any]]


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}


_NOT_FOUND: Responses = {404: _problem("There is no such task.")}
_NOT_ALLOWED: Responses = {403: _problem("Only an admin may make or give tasks to somebody else.")}
_INVALID: Responses = {422: _problem("A field is wrong; `errors` names it.")}

router = APIRouter(
    prefix="/tasks",
    tags=["tasks"],
    responses={503: _problem("The database did not answer; nothing was changed.")},
)


# Coroutines, because they wait for nothing: plain functions would each cost a change of thread.
async def _service(request: Request) -> TaskService:
    return cast("TaskService", request.state.tasks)


async def _correlation_id(request: Request) -> UUID:
    return cast("UUID", request.state.correlation_id)


async def _task_id(task_id: str) -> UUID:
    try:
        return UUID(task_id)
    except ValueError:
        raise TaskNotFound(task_id) from None


Tasks = Annotated[TaskService, Depends(_service)]
CorrelationId = Annotated[UUID, Depends(_correlation_id)]
TaskId = Annotated[UUID, Depends(_task_id)]


@router.post("", status_code=201, response_model=TaskBody, responses=_NOT_ALLOWED | _INVALID)
def create_task(
    body: NewTask,
    request: Request,
    response: Response,
    tasks: Tasks,
    caller: Caller,
    correlation_id: CorrelationId,
) -> Task:
    """Create a task, the caller's own unless an admin says whose; `task.created` follows."""
    task = tasks.create(caller, title=body.title, owner_id=body.owner_id, correlation_id=correlation_id)
    response.headers["Location"] = request.app.url_path_for("get_task", task_id=str(task.id))
    return task


@router.get("", response_model=list[TaskBody], responses=_INVALID)
def list_tasks(
    request: Request,
    response: Response,
    tasks: Tasks,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200, description="How many tasks at most.")] = 50,
    after: Annotated[UUID | None, Query(description="Begin behind the task with this id.")] = None,
) -> Sequence[Task]:
    """List tasks, oldest first; a `Link` header with rel=next leads to the following page if there is one."""
    try:
        found = tasks.page(caller, after=after, limit=limit + 1)
    except TaskNotFound as missing:
        raise InvalidField("after", str(missing)) from missing
    page = found[:limit]
    if len(found) > limit:
        following = request.url.include_query_params(limit=limit, after=page[-1].id)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page


@router.get("/{task_id}", response_model=TaskBody, responses=_NOT_FOUND)
def get_task(task_id: TaskId, tasks: Tasks, caller: Caller) -> Task:
    """Read one task."""
    return tasks.get(caller, task_id)


@router.patch("/{task_id}", response_model=TaskBody, responses=_NOT_ALLOWED | _NOT_FOUND | _INVALID)
def change_task(
    task_id: TaskId, body: TaskPatch, tasks: Tasks, caller: Caller, correlation_id: CorrelationId
) -> Task:
    """Change a task; `task.completed` follows if that completed it, else `task.updated`.

    A change that asks for what already is has no event. A completed task may be reopened by another status;
    completing it again is a new completion.
    """
    changes = cast("TaskChanges", {name: getattr(body, name) for name in body.model_fields_set})
    return tasks.change(caller, task_id, changes, correlation_id=correlation_id)


@router.post("/{task_id}/complete", response_model=TaskBody, responses=_NOT_FOUND)
def complete_task(task_id: TaskId, tasks: Tasks, caller: Caller, correlation_id: CorrelationId) -> Task:
    """Complete a task; `task.completed` follows once, however often this is called."""
    return tasks.complete(caller, task_id, correlation_id=correlation_id)
