"""What people read in /docs: every operation in words, every answer with its headers, examples that hold."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app
from eventconsumer_api.routes.bodies import NewTask, TaskPatch
from tests.support.running_api import NOWHERE

DOCUMENT = create_app(
    Settings(auth=(Auth.API_KEY,), database_url="sqlite:///never-opened.db", kafka_bootstrap_servers=NOWHERE)
).openapi()
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method.upper()} {path}")
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_is_told_in_words_and_every_answer_names_its_correlation_id(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["description"], (path, method)
    for answer in operation["responses"].values():
        assert answer["description"]
        assert "X-Correlation-ID" in answer["headers"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_error_is_a_problem(path: str, method: str, operation: dict[str, Any]) -> None:
    problems = {"application/problem+json"}
    kinds = {
        status: set(answer["content"])
        for status, answer in operation["responses"].items()
        if status >= "400" and path != "/readyz"
    }
    assert kinds == dict.fromkeys(kinds, problems), (path, method)


def test_no_answer_is_documented_that_nobody_gets() -> None:
    assert "HTTPValidationError" not in str(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if "$ref" in part else []
            return own + [ref for value in part.values() for ref in references(value)]
        return [ref for value in part for ref in references(value)] if isinstance(part, list) else []

    names = {ref.removeprefix("#/components/schemas/") for ref in references(DOCUMENT)}
    assert names <= set(DOCUMENT["components"]["schemas"])
    assert {"Problem", "FieldError", "NewTask", "TaskPatch", "TaskBody"} <= names


def test_the_examples_are_taken_as_they_are() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    NewTask(title=schemas["NewTask"]["properties"]["title"]["examples"][0])
    for example in schemas["TaskPatch"]["examples"]:
        assert TaskPatch.model_validate(example).model_fields_set == set(example)
