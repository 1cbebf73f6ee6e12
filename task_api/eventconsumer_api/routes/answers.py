"""How the routes answer, and how the OpenAPI document says so."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Response

from eventconsumer_api.etags import etag
from eventconsumer_api.models import Task
from eventconsumer_api.problems import MEDIA_TYPE
from eventconsumer_api.routes.bodies import TaskBody

Answers = dict[int | str, dict[str, Any]]

_ETAG = {"ETag": {"description": "The task's version, for `If-Match`.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Where the task is.", "schema": {"type": "string"}}}
_LINK = {"Link": {"description": "Leads to the next page, if there is one.", "schema": {"type": "string"}}}
RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}

CREATED: Answers = {201: {"headers": _ETAG | _LOCATION}}
SHOWN: Answers = {200: {"headers": _ETAG}}
LISTED: Answers = {200: {"headers": _LINK}}
NOT_MODIFIED: Answers = {304: {"description": "You have this version already.", "headers": _ETAG}}


def problem(status: HTTPStatus, description: str, headers: Mapping[str, Any] | None = None) -> Answers:
    """Describe an error answer."""
    example = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": description}
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {MEDIA_TYPE: {"schema": schema, "example": example}}
    return {status.value: {"description": description, "content": content, "headers": dict(headers or {})}}


NOT_FOUND = problem(HTTPStatus.NOT_FOUND, "There is no such task.")
GIVEN_AWAY = problem(
    HTTPStatus.NOT_FOUND, "The task that this `Idempotency-Key` made is no longer the caller's."
)
NOT_ALLOWED = problem(HTTPStatus.FORBIDDEN, "Only an admin may make or give tasks to somebody else.")
HAS_CHANGED = problem(HTTPStatus.PRECONDITION_FAILED, "The task is not in the version of `If-Match`.", _ETAG)
TOO_LARGE = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than 64 KiB.")
NOT_JSON = problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is sent as something else than JSON.")
INVALID = problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A field is wrong; `errors` names it.")
UNAVAILABLE = problem(
    HTTPStatus.SERVICE_UNAVAILABLE, "The database did not answer; nothing was changed.", RETRY
)
WRONG_BODY = TOO_LARGE | NOT_JSON | INVALID


def show(
    task: Task, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a task and its ETag."""
    # Written here and not by FastAPI, which would check the answer in one more change of thread.
    content = TaskBody.model_validate(task).model_dump_json()
    named = {"ETag": etag(task.version), **(headers or {})}
    return Response(content, status, headers=named, media_type="application/json")
