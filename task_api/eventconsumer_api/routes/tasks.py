"""The routes under /tasks."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from eventconsumer_api.etags import etag, is_known
from eventconsumer_api.models import Task, TaskChanges, TaskFilter
from eventconsumer_api.routes import answers, cursors
from eventconsumer_api.routes.bodies import NewTask, TaskBody, TaskPatch, TaskQuery
from eventconsumer_api.routes.caller import Caller
from eventconsumer_api.routes.parameters import (
    CorrelationId,
    IdempotencyKey,
    KnownVersions,
    TaskId,
    Tasks,
    Versions,
)
from eventconsumer_api.routes.short_way import ShortWay
from eventconsumer_api.services.creation import creation

if TYPE_CHECKING:
    from eventconsumer_api.principal import Principal
    from eventconsumer_api.services.group_commit import GroupCommit
    from eventconsumer_api.services.tasks import TaskService

router = APIRouter(prefix="/tasks", tags=["tasks"], responses=answers.UNAVAILABLE)


async def create_task(body: NewTask, request: Request, key: IdempotencyKey = None) -> Response:
    """Create a task, the caller's own unless an admin says whose; `task.created` follows.

    With an `Idempotency-Key`, the same request sent again within 24 hours makes nothing and is answered with
    the task that it made, as it is now, or with 404 where an admin gave that task to somebody else; another
    request with the same key is refused with 422.
    """
    # Taken from the state and not asked for by type, as elsewhere: this is the request that comes most often,
    # and its short way brings what is sent, and nothing else.
    caller: Principal = request.state.principal
    new = creation(
        caller, title=body.title, owner_id=body.owner_id, correlation_id=request.state.correlation_id
    )
    if key is None:
        arrivals: GroupCommit = request.state.arrivals
        await arrivals.write(new)
        task = new.task
    else:
        tasks: TaskService = request.state.tasks
        # A key may have to be waited for: not in a transaction that holds the tasks of others.
        task = await run_in_threadpool(tasks.create_once, caller, key, new)
    return answers.show(task, HTTPStatus.CREATED, {"Location": f"{router.prefix}/{task.id}"})


router.add_api_route(
    "",
    create_task,
    methods=["POST"],
    status_code=201,
    response_model=TaskBody,
    responses=answers.CREATED | answers.NOT_ALLOWED | answers.GIVEN_AWAY | answers.WRONG_BODY,
    route_class_override=ShortWay,
)


@router.get("", response_model=list[TaskBody], responses=answers.LISTED | answers.INVALID)
def list_tasks(
    query: Annotated[TaskQuery, Query()], request: Request, response: Response, tasks: Tasks, caller: Caller
) -> list[Task]:
    """List tasks, page by page; a `Link` header with rel=next leads to the following page if there is one.

    Following the links shows every task that was there at the beginning once, whatever is created or changed
    meanwhile. A task is listed as it is when its page is read.
    """
    page = tasks.page(
        caller,
        TaskFilter(query.status, query.owner, query.text, newest_first=query.order == "newest"),
        after=None if query.cursor is None else cursors.place_of(query.cursor),
        limit=query.limit,
    )
    if page.end is not None:
        following = request.url.include_query_params(cursor=cursors.cursor(page.end))
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page.tasks


@router.get(
    "/{task_id}",
    response_model=TaskBody,
    responses=answers.SHOWN | answers.NOT_MODIFIED | answers.NOT_FOUND,
)
def get_task(task_id: TaskId, tasks: Tasks, caller: Caller, if_none_match: KnownVersions = None) -> Response:
    """Read one task."""
    task = tasks.get(caller, task_id)
    if is_known(if_none_match, task.version):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag(task.version)})
    return answers.show(task)


@router.patch(
    "/{task_id}",
    response_model=TaskBody,
    responses=answers.SHOWN
    | answers.NOT_ALLOWED
    | answers.NOT_FOUND
    | answers.HAS_CHANGED
    | answers.WRONG_BODY,
)
def change_task(
    task_id: TaskId,
    body: TaskPatch,
    tasks: Tasks,
    caller: Caller,
    correlation_id: CorrelationId,
    versions: Versions,
) -> Response:
    """Change a task; `task.completed` follows if that completed it, else `task.updated`.

    A change that asks for what already is has no event. A completed task may be reopened by another status;
    completing it again is a new completion. With `If-Match`, what somebody else changed stays as it is.
    """
    changes = cast("TaskChanges", {name: getattr(body, name) for name in body.model_fields_set})
    task = tasks.change(caller, task_id, changes, correlation_id=correlation_id, versions=versions)
    return answers.show(task)


@router.post(
    "/{task_id}/complete",
    response_model=TaskBody,
    responses=answers.SHOWN | answers.NOT_FOUND | answers.HAS_CHANGED,
)
def complete_task(
    task_id: TaskId, tasks: Tasks, caller: Caller, correlation_id: CorrelationId, versions: Versions
) -> Response:
    """Complete a task; `task.completed` follows once, however often this is called."""
    return answers.show(tasks.complete(caller, task_id, correlation_id=correlation_id, versions=versions))
