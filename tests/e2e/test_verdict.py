"""The verdict and the members, as kubectl shows them of workers that really run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.conditions import condition
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes

CONSUMER = "notification-service"


def reason(kubernetes: Kubernetes, kind: str) -> str:
    return str(condition(kubernetes.status(CONSUMER), kind)["reason"])


def test_a_worker_that_read_everything_is_caught_up_and_alone_in_its_group(kubernetes: Kubernetes) -> None:
    eventually("CaughtUp", lambda: kubernetes.row(CONSUMER)["STATUS"] == "CaughtUp", within=90)
    eventually("AllJoined", lambda: reason(kubernetes, "ConsumersJoined") == "AllJoined", within=60)


def test_a_wait_for_keeping_up_ends(kubernetes: Kubernetes) -> None:
    kubernetes.kubectl("wait", f"eventconsumer/{CONSUMER}", "--for=condition=KeepingUp", "--timeout=90s")


def test_every_partition_is_in_the_status(kubernetes: Kubernetes) -> None:
    status = eventually(
        "partitions",
        lambda: kubernetes.status(CONSUMER),
        until=lambda s: bool(s.get("partitions")),
        within=60,
    )
    assert len(status["partitions"]) == status["partitionCount"]
