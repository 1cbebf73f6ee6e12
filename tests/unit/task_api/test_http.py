"""The API as a caller meets it, on the whole app. Its Kafka address leads nowhere: no answer needs Kafka."""

from __future__ import annotations

import json
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from eventconsumer_api.contract import event_schema
from eventconsumer_api.problems import database_unavailable
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.storage.database import DatabaseUnavailable, OutcomeUnknown
from tests.support.running_api import a_task, fields_named, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(tmp_path_factory.mktemp("api")) as client:
        yield client


def test_a_task_is_created_and_found_at_its_location(api: TestClient) -> None:
    created = api.post("/tasks", json={"title": "Buy groceries"})
    assert created.status_code == 201
    task_id = created.json()["id"]
    assert created.text.startswith(
        f'{{"id":"{task_id}","title":"Buy groceries","status":"pending","owner_id":null,"version":1,'
    )
    assert created.headers["location"] == f"/tasks/{task_id}"
    assert api.get(created.headers["location"]).json() == created.json()


def test_a_patch_changes_what_it_names_and_nothing_else(api: TestClient) -> None:
    owner_id = str(uuid4())
    task_id = a_task(api, owner_id=owner_id)
    changed = api.patch(f"/tasks/{task_id}", json={"status": "in_progress"})
    assert changed.status_code == 200
    kept = {"id": task_id, "title": "Buy groceries", "owner_id": owner_id}
    assert changed.json().items() >= (kept | {"status": "in_progress", "version": 2}).items()


def test_completing_answers_the_same_however_often(api: TestClient) -> None:
    task_id = a_task(api)
    first = api.post(f"/tasks/{task_id}/complete")
    second = api.post(f"/tasks/{task_id}/complete")
    assert (first.status_code, first.json()["status"]) == (200, "completed")
    assert (second.status_code, second.json()) == (200, first.json())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({}, ["title"], id="no title"),
        pytest.param({"title": ""}, ["title"], id="an empty title"),
        pytest.param({"title": " \u2003"}, ["title"], id="a blank title"),
        pytest.param({"title": "x" * 201}, ["title"], id="a title of 201 characters"),
        pytest.param({"title": "one\ntwo"}, ["title"], id="a title of two lines"),
        pytest.param({"title": 7}, ["title"], id="a number for a title"),
        pytest.param({"title": "x", "owner_id": "me"}, ["owner_id"], id="an owner that is no UUID"),
        pytest.param({"title": "x", "status": "pending"}, ["status"], id="a status at creation"),
        pytest.param({"title": None, "colour": "red"}, ["title", "colour"], id="two faults at once"),
        pytest.param(["x"], ["body"], id="a list"),
    ],
)
def test_a_wrong_body_is_answered_with_the_field_to_blame(
    api: TestClient, body: object, named: list[str]
) -> None:
    answer = api.post("/tasks", json=body)
    assert answer.status_code == 422
    assert fields_named(answer) == named


@pytest.mark.parametrize(
    ("patch", "named"),
    [({"status": "done"}, ["status"]), ({"title": None}, ["title"]), ({"id": "x"}, ["id"])],
)
def test_a_wrong_patch_changes_nothing(api: TestClient, patch: object, named: list[str]) -> None:
    task_id = a_task(api)
    before = api.get(f"/tasks/{task_id}").json()
    answer = api.patch(f"/tasks/{task_id}", json=patch)
    assert (answer.status_code, fields_named(answer)) == (422, named)
    assert api.get(f"/tasks/{task_id}").json() == before


@pytest.mark.parametrize("body", [b'{"title": ', b'{"title": "\xff"}', b"[" * 60_000])
def test_a_body_that_is_no_json_is_answered_with_a_problem(api: TestClient, body: bytes) -> None:
    answer = api.post("/tasks", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body", "pointer": "#", "detail": "not valid JSON"}]


@pytest.mark.parametrize("task_id", ["1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "abc123"])
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("PATCH", ""), ("POST", "/complete")])
def test_an_unknown_task_is_not_found(api: TestClient, method: str, tail: str, task_id: str) -> None:
    answer = api.request(method, f"/tasks/{task_id}{tail}", json={} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"There is no task {task_id}.",
    }


def test_an_unknown_path_is_a_problem_too(api: TestClient) -> None:
    answer = api.get("/nothing-here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_callers_correlation_id_is_kept(api: TestClient) -> None:
    sent = str(uuid4())
    assert api.get("/tasks", headers={"X-Correlation-ID": sent}).headers["x-correlation-id"] == sent


@pytest.mark.parametrize("sent", [{}, {"X-Correlation-ID": "my request"}], ids=["none", "no UUID"])
def test_any_other_correlation_id_is_replaced_by_a_new_one(api: TestClient, sent: dict[str, str]) -> None:
    answers = [api.get(path, headers=sent) for path in ("/tasks", "/tasks/unknown", "/healthz")]
    assert len({UUID(answer.headers["x-correlation-id"]) for answer in answers}) == 3


def test_a_failing_database_is_a_503_that_says_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        with sqlite3.connect(tmp_path / "tasks.db") as other:
            other.execute("DROP TABLE tasks")
        other.close()
        answer = api.post("/tasks", json={"title": "Buy groceries"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_mistake_of_the_program_is_a_problem_that_names_its_request(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(TaskService, "get", fail)
    sent = str(uuid4())
    answer = api.get(f"/tasks/{uuid4()}", headers={"X-Correlation-ID": sent})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-correlation-id"] == sent
    assert "a mistake" not in answer.text


@pytest.mark.parametrize(
    ("failure", "told"),
    [(DatabaseUnavailable, "Nothing was changed"), (OutcomeUnknown, "made wholly or not at all")],
)
def test_a_failing_database_does_not_deny_a_change_that_may_have_been_made(
    failure: type[DatabaseUnavailable], told: str
) -> None:
    answer = database_unavailable(failure("the connection was lost"))
    assert told in json.loads(bytes(answer.body))["detail"]


def test_readiness_asks_the_database_and_the_relay_but_not_kafka(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        a_task(api)
        answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "database": True, "relay": True, "waiting_events": 1}


def test_without_its_database_the_process_is_alive_but_not_ready(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        with sqlite3.connect(tmp_path / "tasks.db") as other:
            other.execute("DROP TABLE outbox")
        other.close()
        ready, alive = api.get("/readyz"), api.get("/healthz")
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


def test_events_wait_in_the_database_through_a_restart_without_kafka(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        a_task(api)
    with running(tmp_path) as api:
        assert api.get("/readyz").json()["waiting_events"] == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({"traceparent": TRACEPARENT}, TRACEPARENT), ({"traceparent": "my trace"}, None), ({}, None)],
    ids=["valid", "invalid", "none"],
)
def test_the_trace_of_a_request_waits_beside_its_event(
    tmp_path: Path, sent: dict[str, str], kept: str | None
) -> None:
    with running(tmp_path) as api:
        assert api.post("/tasks", json={"title": "Buy groceries"}, headers=sent).status_code == 201
    with sqlite3.connect(tmp_path / "tasks.db") as other:
        assert other.execute("SELECT traceparent FROM outbox").fetchall() == [(kept,)]
    other.close()


def test_the_trace_of_a_change_waits_beside_its_event_too(tmp_path: Path) -> None:
    sent = {"traceparent": TRACEPARENT}
    with running(tmp_path) as api:
        address = f"/tasks/{a_task(api)}"
        api.patch(address, json={"status": "in_progress"}, headers=sent)
        api.post(f"{address}/complete", headers=sent)
    with sqlite3.connect(tmp_path / "tasks.db") as other:
        kept = other.execute("SELECT traceparent FROM outbox ORDER BY sequence").fetchall()
    other.close()
    assert kept == [(None,), (TRACEPARENT,), (TRACEPARENT,)]


def test_the_contract_of_the_topic_is_served_beside_the_api(api: TestClient) -> None:
    channel, schema = api.get("/asyncapi.json"), api.get("/schemas/task-event.json")
    assert channel.json()["channels"]["taskEvents"]["address"] == "task-events"
    assert (channel.json()["asyncapi"], channel.json()["info"]["version"]) == (
        "3.0.0",
        version("eventconsumer"),
    )
    assert schema.headers["content-type"] == "application/schema+json"
    assert schema.json() == event_schema()
