"""What the OpenAPI document says about the guard: which credentials there are, and how it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventconsumer_api.guarding.middleware import is_open
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.problems import MEDIA_TYPE

if TYPE_CHECKING:
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
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def tell(document: Json, settings: GuardSettings) -> None:
    """Add to an OpenAPI document the credentials of each guarded operation, and 401 and 429."""
    answers = _answers(settings)
    schemes = {scheme.value: _SCHEMES[scheme] for scheme in settings.auth if scheme in _SCHEMES}
    if schemes:
        document["components"]["securitySchemes"] = schemes
    for path, operations in document["paths"].items():
        if is_open(path):
            continue
        for operation in operations.values():
            if schemes:
                operation["security"] = [{name: []} for name in schemes]
            operation["responses"] = operation["responses"] | answers


def _answers(settings: GuardSettings) -> Json:
    content = {MEDIA_TYPE: {"schema": _PROBLEM}}
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
