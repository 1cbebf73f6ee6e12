"""Workers that cannot run are told by what their pods complain about, and hold up nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import event_consumer
from tests.support.conditions import condition
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes

NOWHERE = "nobody.invalid/worker:1"
ABSURD = {"memory": "900Ti"}
TOKEN = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "nobody-made-this", "key": "x"}}}
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "bad-image": (
        {"worker": {"type": "custom", "custom": {"image": NOWHERE}}},
        rf"pod bad-image-\S+: (ErrImagePull|ImagePullBackOff): image {NOWHERE} can't be pulled",
    ),
    "absurd-memory": (
        {"template": {"resources": {"requests": ABSURD, "limits": ABSURD}}},
        r"pod absurd-memory-\S+: Unschedulable: .*Insufficient memory",
    ),
    "missing-secret": (
        {"template": {"env": [TOKEN]}},
        r'pod missing-secret-\S+: CreateContainerConfigError: secret "nobody-made-this" not found',
    ),
    "no-such-node": (
        {"template": {"nodeSelector": {"disk": "holographic"}}},
        r"pod no-such-node-\S+: Unschedulable: .*affinity/selector",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _broken(kubernetes: Kubernetes) -> Iterator[None]:
    """Have all of them at the same time."""
    for name, (spec, _) in BROKEN.items():
        kubernetes.apply(event_consumer(name, **spec))
    yield
    for name in BROKEN:
        kubernetes.delete("eventconsumer", name)


def complaint(kubernetes: Kubernetes, name: str) -> str:
    return str(condition(kubernetes.status(name), "WorkersAvailable")["message"])


def test_none_of_them_holds_up_another(kubernetes: Kubernetes) -> None:
    kubernetes.apply(event_consumer("sound"))
    eventually("a sound worker", lambda: kubernetes.row("sound")["READY"] == "1/1", within=60)
    kubernetes.delete("eventconsumer", "sound")


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, (_, words) in BROKEN.items()])
def test_what_its_pod_complains_about_is_told(kubernetes: Kubernetes, name: str, words: str) -> None:
    eventually(words, lambda: re.search(words, complaint(kubernetes, name)), within=60)
    eventually("the word", lambda: kubernetes.row(name)["STATUS"] == "WorkersUnavailable", within=90)
