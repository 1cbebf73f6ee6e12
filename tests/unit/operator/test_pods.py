"""What is told of a pod that does not become ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.pods import Trouble, address, trimmed, trouble, unmounted, with_words

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest


def pod(
    name: str = "worker-1",
    *,
    waiting: str | None = None,
    message: str = "",
    scheduled: bool = True,
    **container: Any,
) -> Manifest:
    state = {"waiting": {"reason": waiting, "message": message}} if waiting else {"running": {}}
    status = {"image": "example/worker:1", "ready": False, "restartCount": 0, "state": state} | container
    conditions = (
        [{"type": "PodScheduled", "status": "True"}]
        if scheduled
        else [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes fit"}
        ]
    )
    return {
        "metadata": {"name": name, "namespace": "tasks", "labels": {"a": "b"}, "uid": "1"},
        "spec": {"much": "more"},
        "status": {"conditions": conditions, "containerStatuses": [status] if scheduled else []},
    }


def waiting_worker(**container: Any) -> Manifest:
    unready = pod(**container)
    return unready | {"status": unready["status"] | {"podIP": "10.0.0.7"}}


def test_a_worker_that_runs_and_is_not_ready_can_be_asked_why() -> None:
    assert address(waiting_worker()) == address(trimmed(waiting_worker())) == "10.0.0.7"
    assert address(waiting_worker(ready=True)) is None
    assert address(waiting_worker(waiting="ContainerCreating")) is None
    assert address(pod()) is None


def test_what_a_worker_waits_for_is_told() -> None:
    told = with_words(waiting_worker(), "the audit log cannot be written: No space left on device")
    expected = "pod worker-1: the audit log cannot be written: No space left on device"
    assert trouble([told]) == Trouble(expected, lasting=False)
    assert trouble([with_words(waiting_worker(), None)]) is None


CRASHED: dict[str, Any] = {"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}
GONE = {"metadata": {"name": "a", "deletionTimestamp": "2026-11-21T12:00:00Z"}}
CANNOT_PULL = "pod worker-1: ImagePullBackOff: image example/worker:1 can't be pulled"
CRASHES = "pod worker-1: CrashLoopBackOff: the worker ended with exit code 1 (Error)"
COMPLAINTS: dict[str, tuple[list[Manifest], Trouble | None]] = {
    "no pod": ([], None),
    "one that runs": ([pod()], None),
    "one on its way": ([pod(waiting="ContainerCreating")], None),
    "an image that can't be pulled": ([pod(waiting="ErrImagePull")], Trouble(CANNOT_PULL, lasting=True)),
    "the same between two attempts": ([pod(waiting="ImagePullBackOff")], Trouble(CANNOT_PULL, lasting=True)),
    "a missing Secret": (
        [pod(waiting="CreateContainerConfigError", message='secret "x" not found')],
        Trouble('pod worker-1: CreateContainerConfigError: secret "x" not found', lasting=True),
    ),
    "a worker that crashes": (
        [pod(waiting="CrashLoopBackOff", message="back-off 10s", **CRASHED)],
        Trouble(CRASHES, lasting=True),
    ),
    "a worker that crashed twice and runs again": (
        [pod(restartCount=2, **CRASHED)],
        Trouble(CRASHES, lasting=True),
    ),
    "a worker that ends in order now and then": (
        [pod(restartCount=9, lastState={"terminated": {"exitCode": 0, "reason": "Completed"}})],
        None,
    ),
    "a worker that crashed once and runs again": ([pod(restartCount=1, **CRASHED)], None),
    "a worker that crashed twice long ago and is ready": (
        [pod(restartCount=2, ready=True, **CRASHED)],
        None,
    ),
    "no node to run on": (
        [pod(scheduled=False)],
        Trouble("pod worker-1: Unschedulable: 0/1 nodes fit", lasting=False),
    ),
    "only one that is being deleted": ([pod("a", waiting="ErrImagePull") | GONE], None),
    "two, of which the first by name is told": (
        [pod("worker-2", waiting="ErrImagePull"), pod(waiting="ErrImagePull")],
        Trouble(CANNOT_PULL, lasting=True),
    ),
}


@pytest.mark.parametrize(("pods", "expected"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_what_pods_complain_about(pods: list[Manifest], expected: Trouble | None) -> None:
    assert trouble(pods) == expected


@pytest.mark.parametrize("pods", [pods for pods, _ in COMPLAINTS.values()], ids=COMPLAINTS.keys())
def test_what_is_kept_of_a_pod_says_the_same(pods: list[Manifest]) -> None:
    kept = [trimmed(pod) for pod in pods]

    assert trouble(kept) == trouble(pods)
    assert all("spec" not in pod for pod in kept)


def test_a_pod_that_is_not_created_may_wait_for_a_secret() -> None:
    found = unmounted([pod(), pod("worker-2", waiting="ContainerCreating")], {"login", "ca"})
    assert found is not None
    assert found.text.startswith("pod worker-2: ContainerCreating")
    assert found.text.endswith("ca, login")


@pytest.mark.parametrize(
    ("waiting", "secrets"),
    [("ContainerCreating", set[str]()), (None, {"login"})],
    ids=["no Secret", "it runs"],
)
def test_a_secret_is_not_blamed_for_anything_else(waiting: str | None, secrets: set[str]) -> None:
    assert unmounted([pod(waiting=waiting)], secrets) is None
