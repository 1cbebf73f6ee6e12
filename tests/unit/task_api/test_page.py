"""The page and what it asks the API for, on the whole app without Kafka."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

import eventconsumer_api
from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app
from eventconsumer_api.services.watcher import TooManyViewers, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(eventconsumer_api.__file__).parent / "page"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = f"sqlite:///{tmp_path_factory.mktemp('page')}/tasks.db"
    settings = Settings(auth=(Auth.NONE,), database_url=database, kafka_bootstrap_servers="127.0.0.1:1")
    with TestClient(create_app(settings)) as client:
        yield client


def test_where_the_events_of_a_task_are_is_asked_by_its_id(api: TestClient) -> None:
    task_id = api.post("/tasks", json={"title": "Buy groceries"}).json()["id"]
    (event,) = api.get(f"/tasks/{task_id}/events").json()
    assert (event["event_type"], event["place"], event["offset"]) == ("task.created", "waiting", None)


@pytest.mark.parametrize("task_id", ["0b7d8f3c-2d52-4f0e-8a55-0a9f6f3b9f10", "nonsense"])
def test_a_task_that_is_not_there_has_no_events(api: TestClient, task_id: str) -> None:
    assert api.get(f"/tasks/{task_id}/events").status_code == 404


def test_who_finds_no_place_to_watch_from_is_told_when_to_come_back(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_watcher: Watcher) -> None:
        raise TooManyViewers

    monkeypatch.setattr(Watcher, "place", taken)
    answer = api.get("/outbox/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_outbox_says_how_deep_it_is(api: TestClient) -> None:
    before = api.get("/outbox").json()["pending"]
    api.post("/tasks", json={"title": "Buy groceries"})
    depth = api.get("/outbox").json()
    assert (depth["pending"], depth["rejected"]) == (before + 1, 0)
    assert depth["oldest_seconds"] > 0


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/style.css", "/page/icon.svg"])
def test_the_page_runs_and_shows_only_its_own_files(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_of_the_page_is_sent_again_only_when_it_changed(api: TestClient) -> None:
    first = api.get("/page/app.js")
    again = api.get("/page/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_the_page_works_under_any_prefix() -> None:
    """Every address in it is relative, so it needs to know nothing of the path it is found at."""
    html = (PAGE / "index.html").read_text()
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    scripts = "".join(path.read_text() for path in PAGE.glob("*.js"))
    addresses += re.findall(r'(?:from |send\(|json\(|follow\()["`]([^"`]*)["`]', scripts)
    assert len(addresses) > 5
    assert [address for address in addresses if re.match(r"/|\w+:", address)] == []


def test_no_text_can_become_markup() -> None:
    """What people typed reaches the document as text: no way to write HTML is used."""
    scripts = "".join(path.read_text() for path in PAGE.glob("*.js"))
    assert "textContent" in scripts
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser")
    assert [word for word in forbidden if word in scripts] == []
    assert (
        re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", (PAGE / "index.html").read_text()) == []
    )


def test_the_way_of_events_is_documented_with_examples(api: TestClient) -> None:
    found = api.get("/openapi.json").json()
    assert {"/outbox", "/outbox/stream", "/tasks/{task_id}/events"} <= set(found["paths"])
    schemas = found["components"]["schemas"]
    assert schemas["EventBody"]["examples"][0]["offset"] == 41
    assert schemas["OutboxBody"]["examples"][0]["pending"] == 4
    stream = found["paths"]["/outbox/stream"]["get"]["responses"]["200"]["content"]
    assert list(stream) == ["text/event-stream"]
