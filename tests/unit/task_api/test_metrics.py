"""The figures of the Task API: what they say, and what they leave unsaid."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi.testclient import TestClient

from eventconsumer_api.config import Settings
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app
from eventconsumer_api.metrics import Metrics
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from pathlib import Path


def figures(text: bytes | str) -> dict[str, float]:
    told = text.decode() if isinstance(text, bytes) else text
    lines = [line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_the_outbox_is_told_by_what_waits_and_what_was_refused(tmp_path: Path) -> None:
    metrics = Metrics()
    with closing(Database(f"sqlite:///{tmp_path}/tasks.db")) as database:
        schema.migrate(database)
        metrics.watch(database)
        with database.write() as connection:
            for _ in range(3):
                task = new_task(uuid4(), "Buy groceries", None, datetime.now(UTC))
                outbox.add(connection, task_event(EventType.CREATED, task, uuid4()))
            outbox.reject(connection, 1, "too large")
        told = figures(metrics.text())
    assert (told["outbox_pending"], told["outbox_rejected"]) == (2, 1)
    assert 0 <= told["outbox_oldest_unpublished_seconds"] < 300


def test_a_database_that_does_not_answer_has_no_figures_instead_of_noughts(tmp_path: Path) -> None:
    metrics = Metrics()
    with closing(Database(f"sqlite:///{tmp_path}/gone/tasks.db")) as database:
        metrics.watch(database)
        metrics.published(2, 0.01)
        told = figures(metrics.text())
    assert told["outbox_published_total"] == 2
    assert "outbox_pending" not in told


def test_requests_are_counted_by_route_and_status_whatever_callers_invent(tmp_path: Path) -> None:
    settings = Settings(
        auth=(Auth.NONE,),
        database_url=f"sqlite:///{tmp_path}/tasks.db",
        kafka_bootstrap_servers="127.0.0.1:1",
    )
    with TestClient(create_app(settings)) as api:
        api.get(f"/tasks/{uuid4()}")
        api.get(f"/tasks/{uuid4()}")
        api.request("BREW", "/nothing-here")
        told = figures(api.get("/metrics").text)
    requests = {name: count for name, count in told.items() if name.startswith("http_requests_total")}
    assert requests == {
        'http_requests_total{method="GET",route="/tasks/{task_id}",status="404"}': 2,
        'http_requests_total{method="other",route="other",status="404"}': 1,
    }
