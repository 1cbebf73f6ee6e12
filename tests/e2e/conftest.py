"""One kind cluster for the whole run, and on it what `make demo` leaves behind.

pytest-kind makes and deletes the cluster, with the binaries and the node image of the local cluster.
`--keep-cluster` keeps it for the next run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.capture import CaptureManager
from pytest_kind import KindCluster

from dev.cluster import TESTS, Cluster
from tests.support.broker_client import BrokerClient
from tests.support.kubernetes import Kubernetes
from tests.support.task_api import TaskApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Aloud = Callable[[], AbstractContextManager[None]]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def aloud(pytestconfig: pytest.Config) -> Aloud:
    """Let what takes minutes be seen while it goes on, in spite of pytest's capturing."""
    capturing = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert isinstance(capturing, CaptureManager)

    @contextmanager
    def aloud() -> Iterator[None]:
        # Of a test process that runs beside another one only the error stream is seen.
        with capturing.global_and_fixture_disabled(), redirect_stdout(sys.stderr):
            yield

    return aloud


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, aloud: Aloud) -> Iterator[Cluster]:
    cluster = Cluster(TESTS)
    cluster.prepare()
    kind = KindCluster(
        cluster.name,
        kubeconfig=cluster.kubeconfig,
        image=cluster.node_image,
        kind_path=cluster.kind,
        kubectl_path=cluster.kubectl_path,
    )
    with aloud():
        if not cluster.whole():
            kind.delete()
        kind.create(config_file=cluster.config_file)
        cluster.finish()
    yield cluster
    if not pytestconfig.getoption("keep_cluster"):
        kind.delete()


@pytest.fixture(scope="session")
def environment(cluster: Cluster) -> dict[str, str]:
    """Give what a user's shell has: kubectl and helm on PATH, and a kubeconfig."""
    return os.environ | {
        "EVENTCONSUMER_CLUSTER": cluster.name,
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{cluster.bin}:{os.environ['PATH']}",
    }


@pytest.fixture(scope="session")
def demo(environment: dict[str, str], aloud: Aloud) -> str:
    """Run `make demo` on the tests' cluster, for all to see, and return what it printed."""
    with (
        aloud(),
        subprocess.Popen(
            ["make", "demo"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        assert running.stdout
        lines = []
        for line in running.stdout:
            sys.stdout.write(line)
            lines.append(line)
    told = "".join(lines)
    assert running.returncode == 0, told
    return told


@pytest.fixture(scope="session")
def kubernetes(cluster: Cluster, demo: str) -> Kubernetes:
    """Talk to the namespace in which the demo runs."""
    assert demo
    return Kubernetes(cluster.kubectl_path, cluster.kubeconfig, "tasks")


@pytest.fixture
def kafka(cluster: Cluster, demo: str) -> BrokerClient:
    """Talk to the demo's Kafka from outside the cluster."""
    assert demo
    return BrokerClient(f"127.0.0.1:{cluster.ports.kafka}")


@pytest.fixture
def task_api(cluster: Cluster, demo: str) -> Iterator[TaskApi]:
    assert demo
    with closing(TaskApi(f"http://127.0.0.1:{cluster.ports.task_api}")) as client:
        yield client
