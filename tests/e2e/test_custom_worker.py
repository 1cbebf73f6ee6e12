"""A team's own handler runs as `worker.type: custom`: it consumes, catches up and is measured like ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dev import docker, images
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster import Cluster
    from tests.support.kubernetes import Kubernetes
    from tests.support.task_api import TaskApi

EXAMPLE = Path(__file__).resolve().parents[2] / "workers" / "examples" / "task_counter"
NAME = "task-counter"


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    """Build the example's image on top of the workers' image, as its Dockerfile says, and load it."""
    workers = f"eventconsumer/workers:{images.make()['eventconsumer/workers']}"
    made_by = docker.recipe(EXAMPLE, workers)
    name = f"team/task-counter:{made_by}"
    docker.made(
        name, made_by, lambda: docker.build(name, EXAMPLE, recipe=made_by, args={"WORKERS_IMAGE": workers})
    )
    cluster.load_image(name)
    return name


@pytest.fixture
def consumer(kubernetes: Kubernetes, image: str) -> Iterator[str]:
    manifest: dict[str, Any] = yaml.safe_load((EXAMPLE / "eventconsumer.yaml").read_text())
    manifest["spec"]["worker"]["custom"]["image"] = image
    kubernetes.apply(manifest)
    yield NAME
    kubernetes.delete("eventconsumer", NAME)


def metric(kubernetes: Kubernetes, line: str) -> float:
    """Scrape the worker as Prometheus does and return one figure; 0 where it is not there yet."""
    [pod] = kubernetes.list("pods", f"app.kubernetes.io/instance={NAME}")
    path = f"/api/v1/namespaces/tasks/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    told = kubernetes.kubectl("get", "--raw", path).splitlines()
    return next((float(found.rpartition(" ")[2]) for found in told if found.startswith(line)), 0.0)


def test_a_handler_of_one_s_own_consumes_and_is_scraped(
    kubernetes: Kubernetes, task_api: TaskApi, consumer: str
) -> None:
    posted = task_api.post_tasks([f"Count me {number}" for number in range(20)])

    eventually(
        "the custom worker has caught up",
        lambda: kubernetes.row(consumer),
        until=lambda row: (row["READY"], row["LAG"]) == ("1/1", "0"),
        within=120,
    )
    eventually(
        "its own metric counts the tasks",
        lambda: metric(kubernetes, 'tasks_given_total{owner="nobody"}'),
        until=lambda count: count >= len(posted),
    )
    assert metric(kubernetes, 'eventconsumer_worker_processed_total{result="handled"}') >= len(posted)
