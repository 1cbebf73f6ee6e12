"""The API's own description, complete: what holds for every operation is written into each of them here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventconsumer_api.correlation import HEADER
from eventconsumer_api.guarding import documentation
from eventconsumer_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from eventconsumer_api.guarding.settings import GuardSettings

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"
_SENT = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A UUID that ties the request and its events to what you do; without one, we make one.",
    "schema": {"type": "string"},
    "example": "9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c",
}
_RETURNED = {
    "description": "Stands in the events of this request too.",
    "schema": {"type": "string", "format": "uuid"},
}


def install(app: FastAPI, settings: GuardSettings) -> None:
    """Let the app's OpenAPI document tell every answer of every operation."""
    plain: Callable[[], Json] = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            _complete(plain(), settings)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending the document


def _complete(document: Json, settings: GuardSettings) -> None:
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template=_REFERENCE)
    schemas.update(problem.pop("$defs"), Problem=problem)
    # FastAPI's own answer to wrong fields, which no caller ever gets.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    documentation.tell(document, settings)
    for operations in document["paths"].values():
        for operation in operations.values():
            _complete_operation(operation)


def _complete_operation(operation: Json) -> None:
    operation["parameters"] = [*operation.get("parameters", []), _SENT]
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, response in responses.items():
        headers = {**response.get("headers", {}), HEADER: _RETURNED}
        responses[status] = response | {"headers": headers}
