"""What is deleted or edited behind the operator's back comes back as the resource says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes, Manifest

CONSUMER = "notification-service"


@pytest.fixture(autouse=True)
def _leave_it_ready(kubernetes: Kubernetes) -> Iterator[None]:
    yield
    kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=1")
    eventually("the consumer is ready again", lambda: ready(kubernetes), within=90)


def ready(kubernetes: Kubernetes, replicas: int = 1) -> bool:
    status = kubernetes.status(CONSUMER)
    return condition(status, "Ready") == "True" and status["readyReplicas"] == status["replicas"] == replicas


def condition(status: Manifest, kind: str) -> str:
    return next((c["status"] for c in status.get("conditions", []) if c["type"] == kind), "")


def pod_of(kubernetes: Kubernetes, deployment: str) -> Manifest:
    labels = kubernetes.get("deployment", deployment)["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return next(p for p in kubernetes.list("pods", selector) if "deletionTimestamp" not in p["metadata"])


def uid(manifest: Manifest) -> str:
    return str(manifest["metadata"]["uid"])


@pytest.mark.parametrize("consumer", ["notification-service", "audit-service"])
def test_a_deleted_worker_pod_comes_back_and_the_resource_is_ready(
    kubernetes: Kubernetes, consumer: str
) -> None:
    before = pod_of(kubernetes, consumer)

    kubernetes.delete("pod", before["metadata"]["name"])

    eventually("another pod", lambda: uid(pod_of(kubernetes, consumer)) != uid(before))
    eventually("Ready", lambda: condition(kubernetes.status(consumer), "Ready") == "True")


def test_after_the_operator_pod_was_deleted_its_successor_goes_on(kubernetes: Kubernetes) -> None:
    kubernetes.delete("pod", pod_of(kubernetes, "eventconsumer-operator")["metadata"]["name"])

    kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=2")

    eventually("two workers", lambda: ready(kubernetes, 2), within=90)


def test_a_deleted_deployment_is_made_again(kubernetes: Kubernetes) -> None:
    before = kubernetes.get("deployment", CONSUMER)

    kubernetes.delete("deployment", CONSUMER)

    after = eventually("a new Deployment", lambda: kubernetes.get("deployment", CONSUMER))
    assert uid(after) != uid(before)


def test_edited_replicas_of_the_deployment_are_set_back(kubernetes: Kubernetes) -> None:
    kubernetes.kubectl("scale", "deployment", CONSUMER, "--replicas=3")

    eventually("one replica", lambda: kubernetes.get("deployment", CONSUMER)["spec"]["replicas"] == 1)


def test_an_edited_image_of_the_deployment_is_set_back(kubernetes: Kubernetes) -> None:
    def image() -> str:
        [container] = kubernetes.get("deployment", CONSUMER)["spec"]["template"]["spec"]["containers"]
        return str(container["image"])

    before = image()

    kubernetes.kubectl("set", "image", f"deployment/{CONSUMER}", "worker=example/other:1")

    eventually("the image from before", lambda: image() == before)


def test_an_edit_of_the_resource_rolls_the_deployment(kubernetes: Kubernetes) -> None:
    before = eventually("a pod", lambda: pod_of(kubernetes, CONSUMER))
    patch = {"spec": {"eventTypes": ["task.completed"]}}

    kubernetes.kubectl("patch", "eventconsumer", CONSUMER, "--type=merge", f"--patch={json.dumps(patch)}")

    eventually("a new pod", lambda: uid(pod_of(kubernetes, CONSUMER)) != uid(before))
    kubernetes.kubectl(
        "patch", "eventconsumer", CONSUMER, "--type=merge", '--patch={"spec": {"eventTypes": null}}'
    )


def test_a_scaled_resource_runs_that_many_workers(kubernetes: Kubernetes) -> None:
    kubernetes.kubectl("scale", "eventconsumer", CONSUMER, "--replicas=3")

    eventually("three workers", lambda: ready(kubernetes, 3), within=90)
    assert kubernetes.row(CONSUMER)["READY"] == "3/3"
