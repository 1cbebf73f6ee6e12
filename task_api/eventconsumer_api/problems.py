"""Every error answer, as RFC 9457 problem+json: what went wrong, and in which field if one is to blame."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from eventconsumer_api.correlation import HEADER
from eventconsumer_api.etags import etag
from eventconsumer_api.principal import NotAllowed
from eventconsumer_api.services.idempotency import KeyUsedOtherwise
from eventconsumer_api.services.tasks import TaskHasChanged, TaskNotFound
from eventconsumer_api.services.watcher import TooManyViewers
from eventconsumer_api.storage.database import DatabaseUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = "1"
_FREE_PLACE_SECONDS = "10"


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    """The field's name in body, query or header; `body` for the body as a whole."""
    pointer: str | None = None
    """Where it is in the body, as JSON Pointer in a URI fragment; for a field of the body only."""
    detail: str


_NOT_JSON = FieldError(field="body", pointer="#", detail="not valid JSON")


class Problem(BaseModel):
    """An error answer."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldError] | None = None


class ProblemResponse(JSONResponse):
    """A problem on its way out."""

    media_type = MEDIA_TYPE


def problem(
    status: HTTPStatus,
    *,
    detail: str | None = None,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Build the answer for one problem."""
    body = Problem(
        title=status.phrase, status=status, detail=detail, errors=None if errors is None else list(errors)
    )
    return ProblemResponse(body.model_dump(exclude_none=True), status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(TaskNotFound, _task_not_found)
    app.add_exception_handler(TaskHasChanged, _task_has_changed)
    app.add_exception_handler(KeyUsedOtherwise, _key_used_otherwise)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(TooManyViewers, _too_many_viewers)
    app.add_exception_handler(DatabaseUnavailable, _database_unavailable)
    app.add_exception_handler(Exception, _unforeseen)


async def _invalid_request(_request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, RequestValidationError)  # noqa: S101  # registered for this class only
    if isinstance(failure.body, bytes):
        return _other_media_type()
    return _invalid([_field_error(error["loc"], error["type"], error["msg"]) for error in failure.errors()])


def _other_media_type() -> ProblemResponse:
    # The framework parses what is said to be JSON, and leaves any other body as the bytes that came.
    return problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        detail="Send a JSON object, with Content-Type: application/json.",
        headers={"Accept": "application/json"},
    )


def _invalid(errors: Sequence[FieldError]) -> ProblemResponse:
    detail = "; ".join(f"{error.field}: {error.detail}" for error in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail=detail, errors=errors)


def _field_error(location: Sequence[str | int], kind: str, message: str) -> FieldError:
    source, *path = location
    if kind == "json_invalid":
        return _NOT_JSON
    if kind == "extra_forbidden":
        message = "there is no such field"
    elif not path and kind == "model_attributes_type":
        message = "must be a JSON object"
    return FieldError(
        field=".".join(str(step) for step in path) or str(source),
        pointer=json_pointer(path) if source == "body" else None,
        detail=message.removeprefix("Value error, "),
    )


def json_pointer(path: Iterable[str | int]) -> str:
    """Return the place in a JSON document as a URI fragment (RFC 6901, section 6)."""
    return "#" + "".join(
        "/" + quote(str(step).replace("~", "~0").replace("/", "~1"), safe="~") for step in path
    )


async def _task_not_found(_request: Request, failure: Exception) -> ProblemResponse:
    return problem(HTTPStatus.NOT_FOUND, detail=str(failure))


async def _task_has_changed(_request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, TaskHasChanged)  # noqa: S101  # registered for this class only
    headers = {"ETag": etag(failure.version)}
    return problem(HTTPStatus.PRECONDITION_FAILED, detail=str(failure), headers=headers)


async def _key_used_otherwise(_request: Request, failure: Exception) -> ProblemResponse:
    return _invalid([FieldError(field="Idempotency-Key", detail=str(failure))])


async def _not_allowed(_request: Request, failure: Exception) -> ProblemResponse:
    return problem(HTTPStatus.FORBIDDEN, detail=str(failure))


async def _http_error(request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, HTTPException)  # noqa: S101  # registered for this class only
    status = HTTPStatus(failure.status_code)
    if status is HTTPStatus.BAD_REQUEST:
        # What the framework calls a body that no JSON parser gets to see, such as one in another encoding.
        return _invalid([_NOT_JSON])
    detail = None if failure.detail == status.phrase else failure.detail
    # The framework names the methods of the first route only that has this path.
    allow = {"Allow": _allowed(request)} if status is HTTPStatus.METHOD_NOT_ALLOWED else failure.headers
    return problem(status, detail=detail, headers=allow)


def _allowed(request: Request) -> str:
    def is_answered(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return ", ".join(filter(is_answered, ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")))


async def _database_unavailable(_request: Request, failure: Exception) -> ProblemResponse:
    return database_unavailable(failure)


def database_unavailable(failure: Exception) -> ProblemResponse:
    """Build the answer for a database that does not answer, and log why."""
    _log.error("The database is unavailable: %s", failure)
    unknown = isinstance(failure, OutcomeUnknown)
    changed = "The change was made wholly or not at all" if unknown else "Nothing was changed"
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        detail=f"The database did not answer in time. {changed}; please try again.",
        headers={"Retry-After": _RETRY_AFTER_SECONDS},
    )


async def _too_many_viewers(_request: Request, _failure: Exception) -> ProblemResponse:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        detail="Every place to watch from is taken; please try again.",
        headers={"Retry-After": _FREE_PLACE_SECONDS},
    )


async def _unforeseen(request: Request, _failure: Exception) -> ProblemResponse:
    # This answer is sent from outside the middleware that adds the header to all others.
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="The request could not be handled. The server's log says why, under this correlation id.",
        headers={HEADER: str(request.state.correlation_id)},
    )
