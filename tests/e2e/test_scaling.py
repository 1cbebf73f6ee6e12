"""Workers are as many as kubectl, a HorizontalPodAutoscaler or lag says, and only one of them says it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.conftest import ROOT
from tests.support.builders import event_consumer, kafka_topic
from tests.support.custom_worker import custom_worker
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.external_metrics import external_metrics
from tests.support.kubernetes import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Kubernetes, Manifest

TOPIC = "scaling-events"
CONSUMER = "scaling-consumer"
RULES = {"min": 0, "max": 5, "targetLag": 10, "scaleDownAfter": "30s"}


@pytest.fixture
def topic(kubernetes: Kubernetes) -> Iterator[str]:
    """Make a topic of three partitions, and leave neither it nor who reads or scales it behind."""
    kubernetes.apply(kafka_topic(TOPIC, partitions=3))
    yield TOPIC
    kubernetes.delete("horizontalpodautoscaler", CONSUMER)
    kubernetes.delete("eventconsumer", CONSUMER)
    kubernetes.delete("kafkatopic", TOPIC)


def consume(kubernetes: Kubernetes, **spec: Any) -> None:
    kubernetes.apply(event_consumer(CONSUMER, topicRef={"name": TOPIC}, **spec))


def has_ready(kubernetes: Kubernetes, ready: str, *, within: float = 90) -> None:
    eventually(f"{ready} workers", lambda: kubernetes.row(CONSUMER)["READY"] == ready, within=within)


def autoscaler(**spec: Any) -> Manifest:
    """Return the HorizontalPodAutoscaler of the documents, for our consumer."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "crds" / "README.md").read_text(), re.DOTALL)
    ours: list[Manifest] = [
        yaml.safe_load(block.replace("notification-service", CONSUMER)) for block in blocks
    ]
    [found] = [each for each in ours if each["kind"] == "HorizontalPodAutoscaler"]
    return {**found, "spec": found["spec"] | spec}


def for_20_records_each(**spec: Any) -> Manifest:
    """Return the same, for as little lag as a test makes and without the wait before workers go."""
    manifest = autoscaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 0}}, **spec)
    [metric] = manifest["spec"]["metrics"]
    metric["external"]["target"]["averageValue"] = "20"
    return manifest


def autoscaler_says(kubernetes: Kubernetes) -> Manifest:
    status: Manifest = kubernetes.get("horizontalpodautoscaler", CONSUMER).get("status", {})
    return next((entry for entry in status.get("conditions", []) if entry["type"] == "AbleToScale"), {})


@pytest.mark.usefixtures("topic")
def test_kubectl_scale_sets_how_many_workers_run(kubernetes: Kubernetes) -> None:
    consume(kubernetes)
    has_ready(kubernetes, "1/1")

    kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=3")

    has_ready(kubernetes, "3/3")
    path = f"/apis/eventconsumer.dev/v1beta1/namespaces/tasks/eventconsumers/{CONSUMER}/scale"
    scale = json.loads(kubernetes.kubectl("get", "--raw", path))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert len(kubernetes.list("pods", scale["status"]["selector"])) == 3


def slow_worker(kubernetes: Kubernetes) -> Manifest:
    """Return a custom worker of the workers' own image that handles five records a second."""
    handler = "import time; from eventconsumer_workers import run; run(lambda event: time.sleep(0.2))"
    return custom_worker(kubernetes, handler)


@pytest.fixture
def metrics(kubernetes: Kubernetes) -> Iterator[None]:
    with external_metrics(kubernetes):
        yield


@pytest.mark.usefixtures("metrics", "topic")
def test_a_horizontal_pod_autoscaler_follows_the_lag_that_the_operator_tells(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    consume(kubernetes, worker=slow_worker(kubernetes))
    has_ready(kubernetes, "1/1")
    for partition in range(3):
        kafka.publish(TOPIC, [encoded() for _ in range(160)], partition=partition)

    kubernetes.apply(for_20_records_each())

    has_ready(kubernetes, "3/3")
    assert kubernetes.get("eventconsumer", CONSUMER)["spec"]["replicas"] == 3
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0", within=120)
    has_ready(kubernetes, "1/1")
    assert autoscaler_says(kubernetes)["status"] == "True"


@pytest.mark.usefixtures("topic")
def test_beside_spec_scaling_nobody_else_scales(kubernetes: Kubernetes) -> None:
    consume(kubernetes, scaling={"max": 3})
    has_ready(kubernetes, "1/1")

    with pytest.raises(Refused, match=r"spec\.replicas: leave it out"):
        kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=3")
    kubernetes.apply(autoscaler(minReplicas=2))

    told = eventually("FailedUpdateScale", lambda: autoscaler_says(kubernetes), until=refused)
    assert "spec.scaling" in told["message"]
    assert kubernetes.row(CONSUMER)["READY"] == "1/1"


def refused(told: Manifest) -> bool:
    return bool(told.get("reason") == "FailedUpdateScale")


@pytest.mark.usefixtures("topic")
def test_lag_takes_the_last_worker_away_and_brings_back_as_many_as_it_needs(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    consume(kubernetes, scaling=RULES)
    eventually("ScaledToZero", lambda: kubernetes.row(CONSUMER)["STATUS"] == "ScaledToZero", within=120)
    eventually("an empty group", lambda: kubernetes.status(CONSUMER).get("members") == 0)

    # Paused, so that it is decided on when all of it is there.
    consume(kubernetes, scaling=RULES, paused=True)
    for partition in range(3):
        kafka.publish(TOPIC, [encoded() for _ in range(20)], partition=partition)
    eventually("its lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "60")
    consume(kubernetes, scaling=RULES)

    has_ready(kubernetes, "3/3")
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0")
    scaling = kubernetes.status(CONSUMER)["scaling"]
    assert (scaling["lastScaleTime"] is not None, scaling["desired"] <= 3) == (True, True)
    eventually("ScaledToZero", lambda: kubernetes.row(CONSUMER)["STATUS"] == "ScaledToZero", within=180)
    assert kubernetes.get("eventconsumer", CONSUMER)["spec"]["replicas"] == 1


WRONG: dict[str, dict[str, Any]] = {
    "min above max": {"min": 3, "max": 2},
    "no max": {"min": 1},
    "no target": {"max": 2, "targetLag": 0},
    "a wait without a unit": {"max": 2, "scaleDownAfter": "300"},
}


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG.keys())
def test_wrong_rules_are_refused(kubernetes: Kubernetes, rules: dict[str, Any]) -> None:
    manifest = json.dumps(event_consumer("wrong", scaling=rules))

    with pytest.raises(Refused, match=r"spec\.scaling"):
        kubernetes.kubectl("apply", "--dry-run=server", "--filename=-", stdin=manifest)


def test_replicas_and_scaling_exclude_each_other(kubernetes: Kubernetes) -> None:
    manifest = json.dumps(event_consumer("wrong", replicas=2, scaling={"max": 3}))

    with pytest.raises(Refused, match=r"spec\.replicas"):
        kubernetes.kubectl("apply", "--dry-run=server", "--filename=-", stdin=manifest)
