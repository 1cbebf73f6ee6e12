"""Watches that have gone silent are noticed though their connections live, and the operator starts anew."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import ROOT
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster import Cluster
    from tests.support.kubernetes import Kubernetes, Manifest

CONSUMER = "notification-service"
OPERATOR = "eventconsumer-operator"
USUAL = ("--set=operator.resyncIntervalSeconds=300", "--set=operator.watchPatienceSeconds=60")
IMPATIENT = ("--set=operator.resyncIntervalSeconds=5", "--set=operator.watchPatienceSeconds=5")
ESTABLISHED = "01"


@pytest.fixture
def operator(cluster: Cluster, kubernetes: Kubernetes) -> Iterator[str]:
    """Have an operator that waits less long than usual, and return its pod's name."""
    upgrade = (
        *("upgrade", "eventconsumer", str(ROOT / "charts" / "eventconsumer"), "--namespace=tasks"),
        *("--reuse-values", "--wait", "--timeout=2m"),
    )
    cluster.helm(*upgrade, *IMPATIENT)
    [pod] = kubernetes.list("pods", f"app.kubernetes.io/name={OPERATOR}")
    yield pod["metadata"]["name"]
    kubernetes.kubectl("annotate", "eventconsumer", CONSUMER, "last-heard-of-")
    kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=1")
    cluster.helm(*upgrade, *USUAL)


def connections(kubernetes: Kubernetes) -> list[int]:
    """Return the operator's own ports of its connections to the API server."""
    _, *lines = kubernetes.kubectl(
        "exec", f"deployment/{OPERATOR}", "--", "cat", "/proc/net/tcp"
    ).splitlines()
    fields = [line.split() for line in lines]
    ends = [(own, other) for _, own, other, state, *_ in fields if state == ESTABLISHED]
    return [int(own.partition(":")[2], 16) for own, other in ends if other.endswith(f":{443:04X}")]


@contextmanager
def silenced(cluster: Cluster, address: str, ports: list[int]) -> Iterator[None]:
    """Let nothing more come through the connections from these ports; new ones are as ever."""
    rules = [("OUTPUT", f"--destination={address}", "--protocol=tcp", f"--dport={port}") for port in ports]

    def each(verb: str) -> None:
        for rule in rules:
            node = ("docker", "exec", f"{cluster.name}-control-plane")
            subprocess.run([*node, "iptables", "--wait", verb, *rule, "--jump=DROP"], check=True)

    each("--insert")
    try:
        yield
    finally:
        each("--delete")


def health(kubernetes: Kubernetes, pod: str) -> str:
    """Return what the operator's /healthz says; kubectl by itself shows the words of no 503."""
    asking = (
        "from http.client import HTTPConnection; to = HTTPConnection('127.0.0.1', 8080, timeout=2); "
        "to.request('GET', '/healthz'); print(to.getresponse().read().decode())"
    )
    return kubernetes.kubectl("exec", pod, "--", "/opt/venv/bin/python", "-c", asking).strip()


def restarts(pod: Manifest) -> int:
    [container] = pod["status"]["containerStatuses"]
    return int(container["restartCount"])


def test_an_operator_whose_watches_have_gone_silent_is_started_anew(
    cluster: Cluster, kubernetes: Kubernetes, operator: str
) -> None:
    before = kubernetes.get("pod", operator)
    assert health(kubernetes, operator) == "ok"
    ports = connections(kubernetes)
    # A watch is made anew when nothing came for 70 seconds, which count from here.
    kubernetes.kubectl("annotate", "eventconsumer", CONSUMER, "last-heard-of=now")

    with silenced(cluster, before["status"]["podIP"], ports):
        kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=2")
        eventually(
            "/healthz names a watch",
            lambda: health(kubernetes, operator),
            until=lambda told: " has not told of tasks/" in told,
        )
        eventually("a new start", lambda: restarts(kubernetes.get("pod", operator)) > restarts(before))

    eventually("ok", lambda: health(kubernetes, operator), until=lambda told: told == "ok")
    eventually("two workers", lambda: kubernetes.row(CONSUMER)["READY"] == "2/2")
