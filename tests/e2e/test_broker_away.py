"""Kafka goes away while tasks are posted: nothing waits, nothing is lost, and lag is not said to be 0."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually
from tests.support.outage import bring_broker_back, take_broker_away

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes
    from tests.support.task_api import TaskApi

CONSUMERS = ("notification-service", "audit-service")


@pytest.fixture
def broker_away(kubernetes: Kubernetes) -> Iterator[None]:
    """Take the broker away, and bring it back at the latest when the test ends."""
    take_broker_away(kubernetes)
    yield
    bring_broker_back(kubernetes)


def lags(kubernetes: Kubernetes) -> set[str]:
    return {kubernetes.row(consumer)["LAG"] for consumer in CONSUMERS}


def audited(kubernetes: Kubernetes) -> Counter[str]:
    """Count the audit log's task.created entries by task id."""
    query = ("eventconsumer-worker", "audit", "query", "--type=task.created")
    log = kubernetes.kubectl("exec", "deployment/audit-service", "--", *query)
    return Counter(json.loads(line)["event"]["data"]["task_id"] for line in log.splitlines())


@pytest.mark.usefixtures("broker_away")
def test_100_tasks_posted_meanwhile_arrive_once_after_its_return(
    kubernetes: Kubernetes, task_api: TaskApi
) -> None:
    eventually("unknown lag", lambda: lags(kubernetes) == {"unknown"}, within=60)

    answers = task_api.post_tasks(f"while the broker is away {n}" for n in range(100))
    assert {status for status, _ in answers} == {201}
    assert lags(kubernetes) == {"unknown"}

    bring_broker_back(kubernetes)

    tasks = {task for _, task in answers}
    eventually("every event in the audit log", lambda: tasks <= audited(kubernetes).keys(), within=120)
    entries = audited(kubernetes)
    assert {entries[task] for task in tasks} == {1}
    eventually("lag 0", lambda: lags(kubernetes) == {"0"}, within=60)
