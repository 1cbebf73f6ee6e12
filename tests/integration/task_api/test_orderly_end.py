"""SIGTERM: what was begun is answered, and what was answered is in the topic in the end."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.kafka import LocalBroker

CLIENTS = 8
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(tmp_path: Path, broker: LocalBroker, topic: str) -> Iterator[ApiProcess]:
    with ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic) as process:
        yield process


def tasks_in(api: ApiProcess) -> set[str]:
    with closing(sqlite3.connect(api.database)) as connection:
        rows = connection.execute("SELECT id FROM tasks").fetchall()
    return {str(task_id) for (task_id,) in rows}


def created_in(broker: LocalBroker, topic: str, expected: set[str]) -> set[str]:
    """Return the tasks that the topic tells of, once it holds as many messages as there are tasks."""
    client = BrokerClient(broker.bootstrap_servers)
    count = eventually(
        f"{len(expected)} events in {topic}",
        lambda: sum(client.end_offsets(topic).values()),
        until=lambda found: found >= len(expected),
        within=90,
    )
    keys = [message.key() for message in client.messages(topic, count=count)]
    return {key.decode().replace("-", "") for key in keys if isinstance(key, bytes)}


def keep_posting(url: str, until: threading.Event) -> list[httpx2.Response]:
    """Post tasks one after the other until nobody listens any more; return the answers."""
    answers = []
    while not until.is_set():
        try:
            answers.append(httpx2.post(f"{url}/tasks", json={"title": "Buy groceries"}, timeout=30))
        except httpx2.TransportError:
            break
    return answers


def post_without_waiting(address: str) -> HTTPConnection:
    connection = HTTPConnection(address, timeout=30)
    connection.request("POST", "/tasks", json.dumps({"title": "Buy groceries"}), JSON)
    return connection


def answered(responses: list[httpx2.Response]) -> set[str]:
    assert {response.status_code for response in responses} == {201}
    return {response.json()["id"].replace("-", "") for response in responses}


def test_under_load_every_task_that_was_made_was_answered_and_its_event_arrives(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    url, enough = api.url, threading.Event()
    with ThreadPoolExecutor(CLIENTS) as clients:
        posting = [clients.submit(keep_posting, url, enough) for _ in range(CLIENTS)]
        eventually("fifty tasks are made", lambda: len(tasks_in(api)) >= 50)
        api.terminate()
        enough.set()
        promised = answered([response for each in posting for response in each.result()])
    assert promised == tasks_in(api)
    api.start()
    assert created_in(broker, topic, promised) == promised


def test_requests_that_are_under_way_at_sigterm_are_answered(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    address = urlsplit(api.url).netloc
    with closing(sqlite3.connect(api.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = [post_without_waiting(address) for _ in range(CLIENTS)]
        # It comes behind them on the same event loop: once it is answered, all of them are read.
        httpx2.get(f"{api.url}/healthz", timeout=30).raise_for_status()
        api.ask_to_end()
        other.execute("ROLLBACK")
        answers = [connection.getresponse() for connection in waiting]
        assert [answer.status for answer in answers] == [201] * CLIENTS
        promised = {json.load(answer)["id"].replace("-", "") for answer in answers}
    for connection in waiting:
        connection.close()
    api.terminate()
    api.start()
    assert created_in(broker, topic, promised) == promised
