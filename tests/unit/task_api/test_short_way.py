"""Both ways of a request to a new task say the same; only the time they take differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT, LONG = "application/json", "application/json; charset=utf-8"
OWNER = "5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59"
BODIES = {
    "a title": b'{"title": "Buy groceries"}',
    "an owner": b'{"title": "Buy \\u00e9 \\ud83d\\ude00", "owner_id": "%b"}' % OWNER.encode(),
    "an owner in another spelling": b'{"title": "x", "owner_id": "{%b}"}' % OWNER.upper().encode(),
    "the same field twice": b'{"title": "first", "title": "last"}',
    "nothing": b"",
    "null": b"null",
    "a list": b'[{"title": "x"}]',
    "no JSON": b'{"title": ',
    "another encoding": '{"title": "x"}'.encode("utf-16"),
    "half a character": b'{"title": "\\ud83d"}',
    "bytes that are no text": b'{"title": "\xff"}',
    "a number": b'{"title": 1}',
    "no title": b"{}",
    "an unknown field": b'{"title": "x", "status": "pending"}',
    "a wrong owner": b'{"title": "x", "owner_id": "me"}',
    "two lines": b'{"title": "a\\nb"}',
    "too much": b'{"title": "%b"}' % (b"x" * 70_000),
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[TestClient]:
    url = f"sqlite:///{tmp_path / 'tasks.db'}"
    with TestClient(create_app(Settings(auth=(Auth.NONE,), database_url=url, relay="off"))) as client:
        yield client


def answer(api: TestClient, body: bytes, media_type: str) -> tuple[int, Any]:
    """Post a body and return the answer without what differs between any two tasks."""
    said = api.post("/tasks", content=body, headers={"Content-Type": media_type})
    told = said.json()
    return said.status_code, {name: told[name] for name in told.keys() - {"id", "created_at", "updated_at"}}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_both_ways_answer_alike(api: TestClient, body: bytes) -> None:
    assert answer(api, body, SHORT) == answer(api, body, LONG)


def test_a_key_is_heeded_whatever_way_a_request_would_go(api: TestClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = (api.post("/tasks", json={"title": "x"}, headers=headers).json() for _ in range(2))
    assert first["id"] == again["id"]
