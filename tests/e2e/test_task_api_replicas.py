"""Two replicas of the Task API on one PostgreSQL, as the chart installs them: none loses a task."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dev.postgres import LocalPostgres
from tests.e2e.test_chart import CHART
from tests.e2e.test_two_operators import on_node
from tests.support.eventually import eventually
from tests.support.kubernetes import Kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.cluster import Cluster
    from tests.support.broker_client import BrokerClient

NAMESPACE = "replicated"
TOPIC = "replicated-events"
SECRET = "task-api-database"
POST = """
import json, sys, urllib.request
headers = {"content-type": "application/json"}
for _ in range(int(sys.argv[1])):
    request = urllib.request.Request("http://127.0.0.1:8000/tasks", b'{"title": "Buy groceries"}', headers)
    print(json.load(urllib.request.urlopen(request, timeout=30))["id"])
"""


@pytest.fixture
def topic(kafka: BrokerClient) -> Iterator[str]:
    kafka.create_topic(TOPIC, partitions=3)
    yield TOPIC
    kafka.delete_topic(TOPIC)


@pytest.fixture
def replicas(cluster: Cluster, demo: str, tmp_path: Path) -> Iterator[Kubernetes]:
    """Install a release of its own that keeps its tasks in a PostgreSQL beside the cluster."""
    assert demo
    there = Kubernetes(cluster.kubectl_path, cluster.kubeconfig, NAMESPACE)
    with LocalPostgres(also_on=cluster.host()) as postgres:
        url = postgres.create_database("tasks").replace("127.0.0.1", cluster.host())
        there.kubectl("create", "namespace", NAMESPACE)
        try:
            there.kubectl("create", "secret", "generic", SECRET, f"--from-literal=url={url}")
            words = ["install", NAMESPACE, CHART, "--namespace", NAMESPACE, "--wait", "--timeout", "2m"]
            cluster.helm(*words, "--values", str(values(cluster, tmp_path)))
            yield there
        finally:
            # Nothing is kept, so no pod needs the time that it takes for an orderly end.
            there.kubectl("delete", "deployment", "--all")
            there.kubectl("delete", "pod", "--all", "--grace-period=0", "--force")
            there.kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")


def values(cluster: Cluster, folder: Path) -> Path:
    """Write the demo's values, with its images, changed to two replicas of the Task API on PostgreSQL."""
    chosen = json.loads(
        cluster.helm("get", "values", "eventconsumer", "--namespace", "tasks", "--output=json")
    )
    chosen["demo"] = {"enabled": False}
    chosen["taskApi"] |= {
        "enabled": True,
        "replicas": 2,
        "service": {},
        "database": {"postgresql": {"urlSecret": {"name": SECRET}}},
        "kafka": {"bootstrapServers": "events-kafka-bootstrap.tasks:9092", "topic": TOPIC},
    }
    file = folder / "values.json"
    file.write_text(json.dumps(chosen))
    return file


def names(replicas: Kubernetes) -> list[str]:
    pods = replicas.list("pods", "app.kubernetes.io/name=task-api")
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def posted(replicas: Kubernetes, pod: str, count: int) -> set[str]:
    """Post tasks to one replica, from beside it, and return the ids that it answered with."""
    return set(replicas.kubectl("exec", pod, "--", "python", "-c", POST, str(count)).split())


def publishers(replicas: Kubernetes) -> list[str]:
    """Return the replicas whose relay says that it publishes."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{{}}:8000/proxy/metrics"
    told = {pod: replicas.kubectl("get", "--raw", path.format(pod)) for pod in names(replicas)}
    return [pod for pod, figures in told.items() if "\nrelay_leader 1.0" in figures]


def published(kafka: BrokerClient) -> set[str]:
    messages = kafka.messages(TOPIC, count=sum(kafka.end_offsets(TOPIC).values()))
    return {json.loads(message.value() or b"")["data"]["task_id"] for message in messages}


@pytest.mark.usefixtures("topic")
def test_the_replica_that_publishes_is_killed_and_every_task_has_its_event(
    cluster: Cluster, kafka: BrokerClient, replicas: Kubernetes
) -> None:
    [one, other] = names(replicas)
    tasks = posted(replicas, one, 30) | posted(replicas, other, 30)
    [killed] = eventually("one publishes", lambda: publishers(replicas), until=lambda pods: len(pods) == 1)
    left = other if killed == one else one

    with ThreadPoolExecutor() as beside:
        meanwhile = beside.submit(posted, replicas, left, 100)
        on_node(cluster, replicas, killed, "kill", "--signal=SIGKILL")
        replicas.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
        tasks |= meanwhile.result()

    assert len(tasks) == 160
    eventually("every task's event", lambda: tasks - published(kafka), until=lambda lost: not lost)
    eventually("the other one publishes", lambda: publishers(replicas), until=lambda pods: pods == [left])
