"""What the OpenAPI document says about the guard: which credentials there are, and how it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventconsumer_api.guarding.middleware import is_open
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from eventconsumer_api.guarding.settings import GuardSettings

Json = dict[str, Any]

_SCHEMES: dict[Auth, Json] = {
    Auth.JWT: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of your identity provider.",
    },
    Auth.API_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ec_…",
        "description": "A key of `eventconsumer-api keys create`.",
    },
}
_TEXT_HEADER: Json = {"schema": {"type": "string"}}
_PROBLEM_REF = "#/components/schemas/{model}"


def install(app: FastAPI, settings: GuardSettings) -> None:
    """Let the app's OpenAPI document tell of the guard."""
    plain: Callable[[], Json] = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            tell(plain(), settings)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending the document


def tell(document: Json, settings: GuardSettings) -> None:
    """Add to an OpenAPI document the credentials of each guarded operation, and 401 and 429."""
    answers = _answers(settings)
    schemes = {scheme.value: _SCHEMES[scheme] for scheme in settings.auth if scheme in _SCHEMES}
    components = document.setdefault("components", {})
    if schemes:
        components["securitySchemes"] = schemes
    if answers:
        problem = Problem.model_json_schema(ref_template=_PROBLEM_REF)
        inner = problem.pop("$defs", {})
        schemas = components.setdefault("schemas", {})
        for name, schema in {"Problem": problem, **inner}.items():
            schemas.setdefault(name, schema)
    for path, operations in document["paths"].items():
        if is_open(path):
            continue
        for operation in operations.values():
            if schemes:
                operation["security"] = [{name: []} for name in schemes]
            operation["responses"] = operation["responses"] | answers


def _answers(settings: GuardSettings) -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM_REF.format(model="Problem")}}}
    answers: Json = {}
    if Auth.NONE not in settings.auth:
        answers["401"] = {
            "description": "There is no credential, or one that does not count.",
            "headers": {"WWW-Authenticate": _TEXT_HEADER},
            "content": content,
        }
    if settings.requests_allowed is not None:
        answers["429"] = {
            "description": "The caller sent too many requests.",
            "headers": {"Retry-After": {"schema": {"type": "integer"}}, "RateLimit": _TEXT_HEADER},
            "content": content,
        }
    return answers
