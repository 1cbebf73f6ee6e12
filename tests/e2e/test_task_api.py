"""The Task API as a team installs it for itself: no demo, API keys, restricted pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_chart import CHART
from tests.support.kubernetes import Kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.cluster import Cluster

NAMESPACE = "guarded"
POST = """
import sys, urllib.error, urllib.request
headers = {"content-type": "application/json", "authorization": f"Bearer {sys.argv[1]}"}
request = urllib.request.Request("http://task-api/tasks", b'{"title": "Buy groceries"}', headers)
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


@pytest.fixture(scope="module")
def guarded(cluster: Cluster, demo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    """Install a release of its own in a namespace that takes restricted pods only."""
    assert demo
    there = Kubernetes(cluster.kubectl_path, cluster.kubeconfig, NAMESPACE)
    there.kubectl("create", "namespace", NAMESPACE)
    there.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    try:
        words = ["install", "guarded", CHART, "--namespace", NAMESPACE, "--wait", "--timeout", "3m"]
        cluster.helm(*words, "--values", str(values(cluster, tmp_path_factory.mktemp("values"))))
        yield there
    finally:
        there.kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")


def values(cluster: Cluster, folder: Path) -> Path:
    """Write the demo's values, with its images, changed to a guarded Task API without a demo."""
    chosen = json.loads(
        cluster.helm("get", "values", "eventconsumer", "--namespace", "tasks", "--output=json")
    )
    chosen["demo"] = {"enabled": False}
    chosen["taskApi"] |= {"enabled": True, "auth": {"schemes": ["api_key"]}, "service": {}}
    file = folder / "values.json"
    file.write_text(json.dumps(chosen))
    return file


def in_pod(kubernetes: Kubernetes, *words: str) -> str:
    return kubernetes.kubectl("exec", "deployment/task-api", "--", *words).strip()


def test_whoever_has_a_key_comes_in_and_nobody_else(guarded: Kubernetes) -> None:
    key = in_pod(guarded, "eventconsumer-api", "keys", "create", "ci")
    status = [in_pod(guarded, "python", "-c", POST, sent) for sent in (key, f"{key}x", "nothing")]
    assert status == ["201", "401", "401"]
    log = guarded.kubectl("logs", "deployment/task-api")
    assert [json.loads(line)["level"] for line in log.splitlines()]
    assert key.split("_", 2)[2] not in log


def test_helm_test_sees_that_nobody_else_is_let_in(cluster: Cluster, guarded: Kubernetes) -> None:
    assert "Succeeded" in cluster.helm("test", "guarded", "--namespace", guarded.namespace, "--timeout", "2m")
