"""The API's own description, complete: what holds for every operation is written into each of them here."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from typing_extensions import override

from eventconsumer_api.correlation import HEADER
from eventconsumer_api.problems import Problem

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


class DescribedApp(FastAPI):
    """An app whose OpenAPI document tells every answer."""

    @override
    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _describe_problems(document["components"]["schemas"])
            for path in document["paths"].values():
                for operation in path.values():
                    _complete(operation)
        return super().openapi()


def _describe_problems(schemas: dict[str, Any]) -> None:
    problem = Problem.model_json_schema(ref_template=_REFERENCE)
    schemas.update(problem.pop("$defs"), Problem=problem)
    # FastAPI's own answer to wrong fields, which no caller ever gets.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _complete(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_SENT)
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for response in responses.values():
        response.setdefault("headers", {})[HEADER] = _RETURNED
