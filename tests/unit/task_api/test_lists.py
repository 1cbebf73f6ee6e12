"""Lists of tasks: pages, filters and what is wrong with a query."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.running_api import a_task, fields_named, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

ANN = str(uuid4())


@pytest.fixture
def api(tmp_path: Path) -> Iterator[TestClient]:
    with running(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(tmp_path_factory.mktemp("some")) as client:
        make_some(client)
        yield client


def make_some(client: TestClient) -> None:
    for title in (
        "Buy 100% cocoa",
        "Buy 100 apples",
        "snake_case",
        "snakeXcase",
        "Path C:\\temp",
        "Äpfel",
    ):
        a_task(client, title=title)
    a_task(client, title="Ann's", owner_id=ANN)
    client.post(f"/tasks/{a_task(client, title='Ann is done', owner_id=ANN)}/complete")


def pages(api: TestClient, query: str) -> Iterator[list[str]]:
    address = f"/tasks?{query}"
    while address:
        page = api.get(address)
        yield [task["title"] for task in page.json()]
        address = page.links.get("next", {}).get("url", "")


def titles(api: TestClient, **query: str) -> list[str]:
    return [task["title"] for task in api.get("/tasks", params=query).json()]


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_list_is_walked_by_following_its_links(api: TestClient, order: str) -> None:
    for number in range(5):
        a_task(api, title=f"Task {number}")
    walked = list(pages(api, f"limit=2&order={order}"))
    made = [f"Task {number}" for number in range(5)]
    assert [len(page) for page in walked] == [2, 2, 1]
    assert [title for page in walked for title in page] == (made if order == "oldest" else made[::-1])


def test_a_last_page_that_is_full_leads_nowhere(api: TestClient) -> None:
    for number in range(4):
        a_task(api, title=f"Task {number}")
    assert len(list(pages(api, "limit=2"))) == 2


def test_what_is_created_and_changed_meanwhile_moves_no_page(api: TestClient) -> None:
    made = [a_task(api, title=f"Task {number}") for number in range(4)]
    walk = pages(api, "limit=2&order=newest")
    first = next(walk)
    a_task(api, title="Created meanwhile")
    api.patch(f"/tasks/{made[0]}", json={"status": "in_progress"})
    assert [first, *walk] == [["Task 3", "Task 2"], ["Task 1", "Task 0"]]


def test_a_link_keeps_the_filters(api: TestClient) -> None:
    for number in range(6):
        a_task(api, title=f"{'Odd' if number % 2 else 'Even'} {number}")
    assert list(pages(api, "limit=2&text=odd")) == [["Odd 1", "Odd 3"], ["Odd 5"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100%", ["Buy 100% cocoa"]),
        ("100", ["Buy 100% cocoa", "Buy 100 apples"]),
        ("snake_", ["snake_case"]),
        ("C:\\", ["Path C:\\temp"]),
        ("/", []),
        ("BUY", ["Buy 100% cocoa", "Buy 100 apples"]),
        ("pfel", ["Äpfel"]),
    ],
)
def test_a_text_is_found_as_it_is_written(some: TestClient, text: str, found: list[str]) -> None:
    assert titles(some, text=text) == found


def test_filters_are_combined(some: TestClient) -> None:
    assert titles(some, owner=ANN) == ["Ann's", "Ann is done"]
    assert titles(some, owner=ANN, status="completed") == ["Ann is done"]
    assert titles(some, owner=str(uuid4())) == titles(some, owner=ANN, text="cocoa") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("cursor=nonsense", ["cursor"]),
        ("status=done&owner=me", ["status", "owner"]),
        ("text=", ["text"]),
        ("text=a%00b", ["text"]),
        ("stauts=completed", ["stauts"]),
    ],
)
def test_a_wrong_query_is_answered_with_the_parameter_to_blame(
    some: TestClient, query: str, named: list[str]
) -> None:
    answer = some.get(f"/tasks?{query}")
    assert (answer.status_code, fields_named(answer)) == (422, named)
