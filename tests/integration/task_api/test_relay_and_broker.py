"""From a request to the topic, through every way a broker or the API itself may go away in between."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from confluent_kafka import Message

    from dev.kafka import LocalBroker


RENAMED = [f"Title {number}" for number in range(1, 50)]


@dataclass(frozen=True, slots=True)
class Published:
    """One message of the topic."""

    key: str
    text: str
    event: dict[str, Any]
    headers: dict[str, str]

    @classmethod
    def of(cls, message: Message) -> Published:
        key, value = message.key(), message.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        found = dict(message.headers() or ())
        headers = {name: text.decode() for name, text in found.items() if isinstance(text, bytes)}
        return cls(key.decode(), value.decode(), json.loads(value), headers)


@pytest.fixture
def api(tmp_path: Path, broker: LocalBroker, topic: str) -> Iterator[ApiProcess]:
    with ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic) as process:
        yield process


def post(url: str, title: str) -> httpx2.Response:
    return httpx2.post(f"{url}/tasks", json={"title": title}, timeout=30)


def rename(url: str, task_id: str) -> None:
    with httpx2.Client(base_url=url, timeout=30) as http:
        for title in RENAMED:
            http.patch(f"/tasks/{task_id}", json={"title": title})


def outbox_ids(api: ApiProcess) -> list[str]:
    connection = sqlite3.connect(api.database)
    try:
        rows = connection.execute("SELECT payload FROM outbox ORDER BY sequence").fetchall()
    finally:
        connection.close()
    return [json.loads(payload)["event_id"] for (payload,) in rows]


def eventually_published(broker: LocalBroker, topic: str, count: int) -> list[Published]:
    client = BrokerClient(broker.bootstrap_servers)
    end = eventually(
        f"{count} events in {topic}",
        lambda: sum(client.end_offsets(topic).values()),
        until=lambda found: found >= count,
        within=90,
    )
    return [Published.of(message) for message in client.messages(topic, count=end)]


def away_by_kill(broker: LocalBroker) -> Callable[[], None]:
    broker.stop()
    return broker.start


def away_by_pause(broker: LocalBroker) -> Callable[[], None]:
    broker.pause()
    return broker.resume


def test_beside_the_json_of_an_event_stand_its_cloudevents_headers_and_its_trace(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    sent = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, headers=sent, timeout=30)
    (message,) = eventually_published(broker, topic, 1)
    assert message.headers == {
        "id": message.event["event_id"],
        "ce_specversion": "1.0",
        "ce_id": message.event["event_id"],
        "ce_type": "task.created",
        "ce_source": "task-api",
        "ce_time": message.event["occurred_at"],
        "content-type": "application/json",
        **sent,
    }


def test_the_life_of_a_task_is_three_events_in_order(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    correlation_id = str(uuid4())
    with httpx2.Client(base_url=api.url, headers={"X-Correlation-ID": correlation_id}, timeout=30) as http:
        task = http.post("/tasks", json={"title": "Buy groceries"}).json()
        http.patch(f"/tasks/{task['id']}", json={"status": "in_progress"})
        http.post(f"/tasks/{task['id']}/complete")
    messages = eventually_published(broker, topic, 3)
    assert [message.key for message in messages] == [task["id"]] * 3
    told = [(message.event["event_type"], message.event["data"]["status"]) for message in messages]
    assert told == [
        ("task.created", "pending"),
        ("task.updated", "in_progress"),
        ("task.completed", "completed"),
    ]
    first = messages[0].event
    assert messages[0].text == (
        f'{{"event_type": "task.created", "data": {{"task_id": "{task["id"]}", "title": "Buy groceries", '
        f'"status": "pending", "owner_id": null}}, "metadata": {{"correlation_id": "{correlation_id}", '
        f'"source": "task-api"}}, "event_id": "{UUID(first["event_id"])}", '
        f'"occurred_at": "{first["occurred_at"]}"}}'
    )
    eventually("the outbox is empty", lambda: outbox_ids(api) == [], within=30)


@pytest.mark.parametrize("go_away", [away_by_kill, away_by_pause], ids=["killed", "paused"])
def test_while_the_broker_is_away_tasks_are_taken_and_no_event_is_lost_or_leaves_its_place(
    api: ApiProcess, broker: LocalBroker, topic: str, go_away: Callable[[LocalBroker], Callable[[], None]]
) -> None:
    url = api.url
    come_back = go_away(broker)
    try:
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda number: post(url, f"Task {number}"), range(100)))
        first, *others = [answer.json()["id"] for answer in answers]
        rename(url, first)
        waiting = outbox_ids(api)
    finally:
        come_back()
    assert {answer.status_code for answer in answers} == {201}
    messages = eventually_published(broker, topic, 149)
    assert sorted(message.event["event_id"] for message in messages) == sorted(waiting)
    assert {message.key for message in messages} == {first, *others}
    titles = [message.event["data"]["title"] for message in messages if message.key == first]
    assert titles == ["Task 0", *RENAMED]


def test_an_event_committed_before_a_crash_is_published_after_the_restart(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    url = api.url
    broker.pause()
    try:
        task_id = post(url, "Buy groceries").json()["id"]
        api.kill()
        (event_id,) = outbox_ids(api)
    finally:
        broker.resume()
    api.start()
    messages = eventually_published(broker, topic, 1)
    # What was on its way to the broker comes from there too.
    assert {(message.key, message.event["event_id"]) for message in messages} == {(task_id, event_id)}


def test_an_orderly_end_does_not_wait_for_a_broker_that_is_away(
    api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    url = api.url
    broker.pause()
    try:
        post(url, "Buy groceries")
        log = api.terminate()
        waiting = outbox_ids(api)
    finally:
        broker.resume()
    assert "Application shutdown complete" in log
    assert "Traceback" not in log
    api.start()
    messages = eventually_published(broker, topic, 1)
    assert {message.event["event_id"] for message in messages} == set(waiting)


def test_an_event_the_broker_refuses_stands_aside_and_holds_up_nobody(
    broker: LocalBroker, tmp_path: Path
) -> None:
    topic = f"small-{uuid4()}"
    BrokerClient(broker.bootstrap_servers).create_topic(topic, config={"max.message.bytes": "700"})
    with ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic) as api:
        url = api.url
        broker.pause()
        try:
            tasks = [post(url, title).json()["id"] for title in ("First", "é" * 200, "Third")]
        finally:
            broker.resume()
        messages = eventually_published(broker, topic, 2)
        assert [message.key for message in messages] == [tasks[0], tasks[2]]
        (kept,) = eventually("one event is left", lambda: outbox_ids(api), until=lambda ids: len(ids) == 1)
        assert httpx2.get(f"{url}/readyz", timeout=30).json()["waiting_events"] == 0
    connection = sqlite3.connect(api.database)
    ((payload, reason),) = connection.execute("SELECT payload, rejected_reason FROM outbox").fetchall()
    connection.close()
    assert json.loads(payload)["event_id"] == kept
    assert reason.startswith("MSG_SIZE_TOO_LARGE")


def test_an_event_refused_in_company_leaves_the_others_of_its_task_in_their_order(
    broker: LocalBroker, tmp_path: Path
) -> None:
    topic = f"small-{uuid4()}"
    BrokerClient(broker.bootstrap_servers).create_topic(topic, config={"max.message.bytes": "1500"})
    titles = [f"Title {number}" for number in range(30)]
    titles[10] = "é" * 200
    with ApiProcess(tmp_path, bootstrap_servers=broker.bootstrap_servers, topic=topic) as api:
        broker.pause()
        try:
            with httpx2.Client(base_url=api.url, timeout=30) as http:
                address = http.post("/tasks", json={"title": titles[0]}).headers["location"]
                for title in titles[1:]:
                    http.patch(address, json={"title": title})
        finally:
            broker.resume()
        messages = eventually_published(broker, topic, 29)
        eventually("one event is left", lambda: len(outbox_ids(api)) == 1)
    assert [message.event["data"]["title"] for message in messages] == titles[:10] + titles[11:]


def test_a_locked_database_is_a_503_and_the_next_try_succeeds(api: ApiProcess) -> None:
    url = api.url
    other = sqlite3.connect(api.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = post(url, "Buy groceries")
    other.execute("ROLLBACK")
    other.close()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert post(url, "Buy groceries").status_code == 201
