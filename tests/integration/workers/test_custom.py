"""A function of one's own at a real broker: it is tried again, may refuse, and is measured."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.events import encoded, event
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient

TEAM_CODE = """
import time
from prometheus_client import Counter
from eventconsumer_workers import Delivery, Event, Reject, Retry, run

SEEN = Counter("team_seen", "What came.")

def handle(event: Event, delivery: Delivery) -> None:
    title = event.task.title
    if title == "slow":
        time.sleep(0.4)
    if title == "never":
        raise Reject("we do not take it")
    if title == "later" and delivery.attempt == 1:
        raise Retry("not yet", seconds=0.1)
    if title == "broken":
        raise KeyError(title)
    SEEN.inc()
    print(f"HANDLED: {title} {delivery.attempt} {delivery.record.headers()}\\n", end="", flush=True)

if __name__ == "__main__":
    run(handle)
"""


@pytest.fixture
def team_code(tmp_path: Path) -> str:
    """Write the team's module and return the path on which Python finds it."""
    (tmp_path / "team.py").write_text(TEAM_CODE)
    return os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])


def test_an_event_is_handled_tried_again_or_set_aside_as_the_function_says(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str, team_code: str
) -> None:
    titles = ["plain", "later", "never", "broken", "last"]
    client.publish(topic, [encoded(title=title) for title in titles], partition=0)

    process = worker(
        *("custom", "team:handle"),
        PYTHONPATH=team_code,
        DELIVERY_ATTEMPTS="2",
        DELIVERY_BACKOFF_SECONDS="0.05",
        DELIVERY_BACKOFF_MAX_SECONDS="0.1",
    ).start()

    eventually("all is committed", lambda: client.committed_offsets(f"{topic}-custom", topic) == {0: 5})
    assert sorted(line.split()[0] for line in process.lines("HANDLED: ")) == ["last", "later", "plain"]
    letters = client.messages(dead_letter_topic, count=2)
    assert {json.loads(letter.value() or b"")["data"]["title"] for letter in letters} == {"never", "broken"}


def test_what_ends_after_a_commit_is_committed_by_the_next(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str, team_code: str
) -> None:
    assert dead_letter_topic
    client.publish(topic, [encoded(title="slow") for _ in range(4)], partition=0)
    worker("custom", "team:handle", PYTHONPATH=team_code, HANDLER_CONCURRENCY="2").start()
    eventually("all is committed", lambda: client.committed_offsets(f"{topic}-custom", topic) == {0: 4})


def test_its_own_metric_is_served_beside_the_worker_s(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str, team_code: str
) -> None:
    assert dead_letter_topic
    client.publish(topic, [encoded(), encoded(), encoded(title="never")])
    process = worker("custom", "team:handle", PYTHONPATH=team_code).start()
    wanted = (
        "team_seen_total 2.0",
        'eventconsumer_worker_processed_total{result="handled"} 2.0',
        'eventconsumer_worker_dead_letters_total{cause="rejected"} 1.0',
        "eventconsumer_worker_handler_seconds_count 2.0",
    )
    eventually(
        "its metrics",
        lambda: process.probe("/metrics")[1],
        until=lambda told: set(wanted) <= set(told.splitlines()),
    )


def test_a_handler_that_can_t_be_found_ends_the_worker_with_the_reason(
    worker: StartWorker, team_code: str
) -> None:
    process = worker("custom", "team:handel", PYTHONPATH=team_code).start()
    assert process.exit_code() == 1
    assert "the handler 'team:handel' can't be imported" in process.output()


def test_json_logs_name_the_event_and_its_place(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str, team_code: str
) -> None:
    assert dead_letter_topic
    refused = event(title="never")
    client.publish(topic, [json.dumps(refused).encode()], partition=0)
    process = worker("custom", "team:handle", PYTHONPATH=team_code, LOG_FORMAT="json").start()

    eventually("it is set aside", lambda: client.committed_offsets(f"{topic}-custom", topic) == {0: 1})
    process.stop()
    told = [json.loads(line) for line in process.output().splitlines()]
    assert any(line.get("partition") == 0 and line.get("offset") == 0 for line in told)
