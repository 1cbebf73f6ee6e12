"""The chart on a local cluster: the product's images, the topics, one ``helm upgrade --install``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dev import images
from dev.steps import step

if TYPE_CHECKING:
    from dev.cluster import Cluster

NAMESPACE = "tasks"
NAME = "eventconsumer"
_ROOT = Path(__file__).resolve().parent.parent
_CHART = _ROOT / "charts" / "eventconsumer"
_CRD = _ROOT / "crds" / "eventconsumers.yaml"
_TOPICS = _ROOT / "dev" / "manifests" / "topics.yaml"

# A demo is watched by a person: they see lag move every two seconds instead of every ten.
_LAG_INTERVAL_SECONDS = 2


def install(cluster: Cluster) -> None:
    """Bring the working tree's product onto the cluster, with the demo's Task API and EventConsumers."""
    tags = images.load(cluster)
    with step("topics task-events and task-events-dlq"):
        cluster.kubectl("apply", "--filename", str(_TOPICS))
        cluster.kubectl(
            *("wait", "kafkatopic", "--all", "--namespace", NAMESPACE),
            *("--for=condition=Ready", "--timeout=120s"),
        )
    with step("helm upgrade --install eventconsumer"):
        _update_crd(cluster)
        cluster.helm(
            *("upgrade", "--install", NAME, str(_CHART), "--namespace", NAMESPACE),
            *("--wait", "--timeout", "5m"),
            *_values(cluster, tags),
        )


def _values(cluster: Cluster, tags: dict[str, str]) -> list[str]:
    values = {
        "operator.image.tag": tags["eventconsumer/operator"],
        "operator.lagIntervalSeconds": _LAG_INTERVAL_SECONDS,
        "operator.statusIntervalSeconds": _LAG_INTERVAL_SECONDS,
        "workers.image.tag": tags["eventconsumer/workers"],
        "demo.enabled": "true",
        "taskApi.image.tag": tags["eventconsumer/task-api"],
        "taskApi.auth.schemes": "{none}",  # It is reached from this machine only.
        "taskApi.service.type": "NodePort",
        "taskApi.service.nodePort": cluster.ports.task_api,
    }
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def _update_crd(cluster: Cluster) -> None:
    """Do what Helm leaves undone: it installs a chart's CRDs once and never updates them."""
    if cluster.kubectl("get", "--ignore-not-found", "--output=name", "--filename", str(_CRD)):
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(_CRD))
