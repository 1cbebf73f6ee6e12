"""Every error answer, as RFC 9457 problem+json: what went wrong, and in which field if one is to blame."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from eventconsumer_api.correlation import HEADER
from eventconsumer_api.principal import NotAllowed
from eventconsumer_api.services.tasks import TaskNotFound
from eventconsumer_api.storage.database import DatabaseUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = "1"


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    """The field's name in body, query or path; `body` for the body as a whole."""
    detail: str


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


class InvalidField(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """A field whose fault only the service could see."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.error = FieldError(field=field, detail=detail)


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
    app.add_exception_handler(InvalidField, _invalid_field)
    app.add_exception_handler(TaskNotFound, _task_not_found)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DatabaseUnavailable, _database_unavailable)
    app.add_exception_handler(Exception, _unforeseen)


def _invalid(errors: Sequence[FieldError]) -> ProblemResponse:
    detail = "; ".join(f"{error.field}: {error.detail}" for error in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail=detail, errors=errors)


async def _invalid_request(_request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, RequestValidationError)  # noqa: S101  # registered for this class only
    return _invalid([_field_error(error["loc"], error["type"], error["msg"]) for error in failure.errors()])


def _field_error(location: Sequence[str | int], kind: str, message: str) -> FieldError:
    source, *path = location
    if kind == "json_invalid":
        return FieldError(field="body", detail="not valid JSON")
    if kind == "extra_forbidden":
        message = "there is no such field"
    elif not path and kind == "model_attributes_type":
        message = "send a JSON object, with Content-Type: application/json"
    name = ".".join(str(step) for step in path) or str(source)
    return FieldError(field=name, detail=message.removeprefix("Value error, "))


async def _invalid_field(_request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, InvalidField)  # noqa: S101  # registered for this class only
    return _invalid([failure.error])


async def _task_not_found(_request: Request, failure: Exception) -> ProblemResponse:
    return problem(HTTPStatus.NOT_FOUND, detail=str(failure))


async def _not_allowed(_request: Request, failure: Exception) -> ProblemResponse:
    return problem(HTTPStatus.FORBIDDEN, detail=str(failure))


async def _http_error(_request: Request, failure: Exception) -> ProblemResponse:
    assert isinstance(failure, HTTPException)  # noqa: S101  # registered for this class only
    status = HTTPStatus(failure.status_code)
    detail = None if failure.detail == status.phrase else failure.detail
    return problem(status, detail=detail, headers=failure.headers)


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


async def _unforeseen(request: Request, _failure: Exception) -> ProblemResponse:
    # This answer is sent from outside the middleware that adds the header to all others.
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="The request could not be handled. The server's log says why, under this correlation id.",
        headers={HEADER: str(request.state.correlation_id)},
    )
