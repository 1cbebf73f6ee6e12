"""The whole Task API in this process, without a network. Its Kafka address leads nowhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

NOWHERE = "127.0.0.1:1"


@contextmanager
def running(folder: Path) -> Iterator[TestClient]:
    """Run the app on a SQLite file in the folder, and end it in order."""
    with running_on(f"sqlite:///{folder}/tasks.db") as client:
        yield client


@contextmanager
def running_on(database_url: str) -> Iterator[TestClient]:
    """Run the app on a database, and end it in order."""
    app = create_app(Settings(auth=(Auth.NONE,), database_url=database_url, kafka_bootstrap_servers=NOWHERE))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def a_task(api: TestClient, **fields: object) -> str:
    """Create a task and return its id."""
    created = api.post("/tasks", json={"title": "Buy groceries", **fields})
    return str(created.json()["id"])


def fields_named(response: Response) -> list[str]:
    """Return the fields that a problem blames."""
    assert response.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]
