"""Requests with a condition, and bodies that are refused before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.running_api import a_task, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(tmp_path_factory.mktemp("api")) as client:
        yield client


def test_every_change_has_an_etag_of_its_own(api: TestClient) -> None:
    created = api.post("/tasks", json={"title": "Buy groceries"})
    address = created.headers["location"]
    changed = api.patch(address, json={"status": "in_progress"})
    completed = api.post(f"{address}/complete")
    again = api.post(f"{address}/complete")
    assert [answer.headers["etag"] for answer in (created, changed, completed, again)] == [
        '"1"',
        '"2"',
        '"3"',
        '"3"',
    ]
    assert api.get(address).headers["etag"] == '"3"'
    assert again.json()["updated_at"] == completed.json()["updated_at"] > created.json()["created_at"]


@pytest.mark.parametrize(("method", "tail"), [("PATCH", ""), ("POST", "/complete")])
def test_a_change_of_what_somebody_else_changed_is_refused(api: TestClient, method: str, tail: str) -> None:
    address = f"/tasks/{a_task(api)}"
    api.patch(address, json={"title": "Buy milk"}, headers={"If-Match": '"1"'})
    body = {"status": "completed"} if method == "PATCH" else None
    late = api.request(method, f"{address}{tail}", json=body, headers={"If-Match": '"1"'})
    assert (late.status_code, late.headers["content-type"], late.headers["etag"]) == (412, PROBLEM, '"2"')
    assert api.get(address).json()["status"] == "pending"
    in_time = api.request(method, f"{address}{tail}", json=body, headers={"If-Match": late.headers["etag"]})
    assert (in_time.status_code, in_time.json()["status"]) == (200, "completed")


def test_a_task_that_the_caller_has_is_not_sent_again(api: TestClient) -> None:
    address = f"/tasks/{a_task(api)}"
    same = api.get(address, headers={"If-None-Match": api.get(address).headers["etag"]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    api.patch(address, json={"title": "Buy milk"})
    assert api.get(address, headers={"If-None-Match": '"1"'}).json()["title"] == "Buy milk"


def test_a_body_that_says_it_is_too_large_is_refused(api: TestClient) -> None:
    answer = api.post("/tasks", content=b" " * 70_000, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert answer.json()["detail"] == "A request may carry at most 65,536 bytes."


def test_a_body_that_comes_in_pieces_is_refused_once_it_is_too_large(api: TestClient) -> None:
    pieces = (b" " * 10_000 for _ in range(7))
    answer = api.post("/tasks", content=pieces, headers=JSON)
    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


@pytest.mark.parametrize("in_pieces", [False, True], ids=["announced", "in pieces"])
@pytest.mark.parametrize(("size", "status"), [(65_536, 201), (65_537, 413)])
def test_a_body_may_be_64_kib_and_not_a_byte_more(
    api: TestClient, size: int, status: int, *, in_pieces: bool
) -> None:
    body = b'{"title": "Buy groceries"}'.ljust(size)
    pieces = (body[start : start + 10_000] for start in range(0, size, 10_000))
    assert api.post("/tasks", content=pieces if in_pieces else body, headers=JSON).status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense", None])
@pytest.mark.parametrize(
    ("method", "tail"), [("POST", ""), ("PATCH", "/0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01")]
)
def test_a_body_that_is_not_sent_as_json_is_refused(
    api: TestClient, method: str, tail: str, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = api.request(method, f"/tasks{tail}", content=b'{"title": "x"}', headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/Merge-Patch+JSON"])
def test_every_spelling_of_json_is_taken(api: TestClient, kind: str) -> None:
    answer = api.post("/tasks", content=b'{"title": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 201


def test_a_body_that_is_missing_is_named(api: TestClient) -> None:
    answer = api.post("/tasks")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body", "pointer": "#", "detail": "Field required"}]


def test_a_field_to_blame_is_pointed_at(api: TestClient) -> None:
    answer = api.post("/tasks", json={"title": "x", "a/b ~": 1})
    (error,) = answer.json()["errors"]
    assert error == {"field": "a/b ~", "pointer": "#/a~1b%20~0", "detail": "there is no such field"}


@pytest.mark.parametrize(
    ("path", "allowed"), [("/tasks", "GET, POST"), ("/tasks/x", "GET, PATCH"), ("/tasks/x/complete", "POST")]
)
def test_a_wrong_method_is_answered_with_all_that_are_allowed(
    api: TestClient, path: str, allowed: str
) -> None:
    answer = api.put(path)
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert answer.headers["allow"] == allowed
