"""What the OpenAPI document promises, the API keeps: schemathesis sends what it allows and what it forbids.

Every operation, on the whole app: no server error, no answer (status, type, header, body) that is not in the
document, nothing refused that it allows, nothing accepted that it forbids.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.python import asgi

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app
from tests.support.running_api import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

CONFIG = """
[generation]
max-examples = 20
deterministic = true

[checks.negative_data_rejection]
expected-statuses = [404, 405, 413, 415, 422]

[checks.positive_data_acceptance]
# A made-up id is no task's, a made-up If-Match no version's.
expected-statuses = ["2xx", 304, 404, 412]
"""


def app_on(database_url: str) -> FastAPI:
    return create_app(Settings(auth=(Auth.NONE,), database_url=database_url, kafka_bootstrap_servers=NOWHERE))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api") / "tasks.db"


@pytest.fixture(scope="module")
def client(file: Path) -> Iterator[asgi.ASGIClient]:
    with asgi.get_client(cast("Any", app_on(f"sqlite:///{file}"))) as client:
        yield client
    asgi.shutdown_lifespans()


# The document needs no database; it is read here because each operation becomes a test of its own.
document = schemathesis.openapi.from_dict(
    app_on("sqlite:///never-opened.db").openapi(), config=SchemathesisConfig.from_str(CONFIG)
).exclude(path="/outbox/stream")  # It goes on for minutes, and has tests of its own.


@document.parametrize()
def test_every_operation_answers_as_its_document_says(
    case: schemathesis.Case[Any], client: asgi.ASGIClient, file: Path
) -> None:
    if "Idempotency-Key" in (case.headers or {}):
        forget_keys(file)
    case.call_and_validate(base_url=client.base_url, session=client)


def forget_keys(file: Path) -> None:
    """Let each case use the keys of those before, which the document can't forbid."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM idempotency_keys")
