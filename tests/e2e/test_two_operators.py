"""Two operators: one works, the other goes on when it is lost, and never do both write."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import ROOT
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster import Cluster
    from tests.support.kubernetes import Kubernetes

CONSUMER = "notification-service"
LABEL = "app.kubernetes.io/name=eventconsumer-operator"
WRITE = re.compile(
    r'^eventconsumer_operator_api_writes_total\{kind="(?P<kind>[^"]*)".*\} (?P<count>\S+)$', re.MULTILINE
)


@pytest.fixture
def two(cluster: Cluster, kubernetes: Kubernetes) -> Iterator[Kubernetes]:
    upgrade = (
        *("upgrade", "eventconsumer", str(ROOT / "charts" / "eventconsumer"), "--namespace=tasks"),
        *("--reuse-values", "--wait", "--timeout=2m"),
    )
    cluster.helm(*upgrade, "--set=operator.replicas=2")
    eventually("a leader among the new pods", lambda: leader(kubernetes) in operators(kubernetes))
    yield kubernetes
    cluster.helm(*upgrade, "--set=operator.replicas=1")


def operators(kubernetes: Kubernetes) -> set[str]:
    pods = kubernetes.list("pods", LABEL)
    return {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def leader(kubernetes: Kubernetes) -> str | None:
    holder: str | None = kubernetes.get("lease", "eventconsumer-operator")["spec"].get("holderIdentity")
    return holder


def on_node(cluster: Cluster, kubernetes: Kubernetes, pod: str, *words: str) -> None:
    """Do something to the process of a pod behind Kubernetes' back."""
    [status] = kubernetes.get("pod", pod)["status"]["containerStatuses"]
    container = status["containerID"].removeprefix("containerd://")
    task = ("docker", "exec", f"{cluster.name}-control-plane", "ctr", "--namespace=k8s.io", "tasks")
    subprocess.run([*task, *words, container], check=True, capture_output=True)


def writes(kubernetes: Kubernetes, pod: str) -> float:
    """Return how many objects an operator has written, its Lease left out."""
    path = f"/api/v1/namespaces/tasks/pods/{pod}:8080/proxy/metrics"
    told = WRITE.finditer(kubernetes.kubectl("get", "--raw", path))
    return sum(float(one["count"]) for one in told if one["kind"] != "leases")


def test_the_one_that_waits_is_ready_and_writes_nothing(two: Kubernetes) -> None:
    [waiting] = operators(two) - {leader(two)}

    two.kubectl("wait", "pod", waiting, "--for=condition=Ready", "--timeout=60s")
    two.delete("deployment", CONSUMER)
    eventually("the Deployment is back", lambda: two.get("deployment", CONSUMER))

    assert writes(two, waiting) == 0


def test_a_frozen_leader_is_followed_within_20_seconds_and_writes_no_more(
    cluster: Cluster, two: Kubernetes
) -> None:
    frozen = leader(two)
    assert frozen is not None
    [other] = operators(two) - {frozen}
    on_node(cluster, two, frozen, "pause")
    try:
        two.delete("deployment", CONSUMER)
        eventually("the other one leads", lambda: leader(two) == other, within=20)
        eventually("the Deployment is back", lambda: two.get("deployment", CONSUMER), within=20)
    finally:
        on_node(cluster, two, frozen, "resume")

    two.delete("deployment", CONSUMER)
    eventually("it says so", lambda: "leads no more" in two.kubectl("logs", frozen), within=20)
    eventually("the Deployment is back", lambda: two.get("deployment", CONSUMER))
    after = writes(two, frozen)
    two.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=0")
    eventually("scaled", lambda: two.get("deployment", CONSUMER)["spec"]["replicas"] == 0)
    two.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=1")
    eventually("scaled back", lambda: two.get("deployment", CONSUMER)["spec"]["replicas"] == 1)
    assert (leader(two), writes(two, frozen)) == (other, after)


def test_a_killed_leader_is_followed_and_what_was_deleted_comes_back(
    cluster: Cluster, two: Kubernetes
) -> None:
    killed = leader(two)
    assert killed is not None

    on_node(cluster, two, killed, "kill", "--signal=SIGKILL")
    two.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
    two.delete("deployment", CONSUMER)

    eventually("another one leads", lambda: leader(two) not in {killed, None}, within=20)
    eventually("the Deployment is back", lambda: two.get("deployment", CONSUMER), within=20)


def test_a_leader_that_ends_in_good_order_leaves_at_once(two: Kubernetes) -> None:
    ended = leader(two)
    assert ended is not None

    two.kubectl("delete", "pod", ended, "--wait=false")

    eventually("another one leads", lambda: leader(two) not in {ended, None}, within=10)


def test_log_lines_are_json_that_names_the_resource(kubernetes: Kubernetes) -> None:
    kubernetes.delete("deployment", CONSUMER)
    eventually("the Deployment is back", lambda: kubernetes.get("deployment", CONSUMER))

    log = kubernetes.kubectl("logs", "deployment/eventconsumer-operator").splitlines()
    lines = [json.loads(line) for line in log]
    assert {"time", "level", "logger", "message"} <= lines[-1].keys()
    assert any((line.get("namespace"), line.get("name")) == ("tasks", CONSUMER) for line in lines)
