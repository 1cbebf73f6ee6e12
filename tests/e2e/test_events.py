"""What `kubectl describe` tells of trouble: once when it begins, once when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.builders import event_consumer, kafka_topic
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes, Manifest

NAME = "of-a-topic-to-come"
TOPIC = "to-come"


@pytest.fixture(autouse=True)
def _gone_afterwards(kubernetes: Kubernetes) -> Iterator[None]:
    yield
    kubernetes.delete("eventconsumer", NAME)
    kubernetes.delete("kafkatopic", TOPIC)


def events(kubernetes: Kubernetes) -> dict[str, Manifest]:
    """Read the Events about the consumer, by reason; not those about an earlier one of its name."""
    uid = kubernetes.get("eventconsumer", NAME)["metadata"]["uid"]
    about = f"--field-selector=involvedObject.uid={uid},involvedObject.kind=EventConsumer"
    names = kubernetes.kubectl("get", "events", about, "--output=name").split()
    found = [kubernetes.get("event", name.removeprefix("event/")) for name in names]
    reasons = [event["reason"] for event in found]
    assert len(set(reasons)) == len(reasons)
    return {event["reason"]: event for event in found}


def test_trouble_is_told_once_also_by_a_restarted_operator_and_so_is_its_end(kubernetes: Kubernetes) -> None:
    kubernetes.apply(event_consumer(NAME, topicRef={"name": TOPIC}))
    told = eventually("it is told", lambda: events(kubernetes)["TopicNotFound"])
    assert (told["type"], told["count"]) == ("Warning", 1)

    kubernetes.kubectl("rollout", "restart", "deployment/eventconsumer-operator")
    kubernetes.kubectl("rollout", "status", "deployment/eventconsumer-operator", "--timeout=120s")
    kubernetes.apply(kafka_topic(TOPIC))

    eventually("its end is told", lambda: events(kubernetes)["WorkersReady"]["type"] == "Normal", within=120)
    again = events(kubernetes)["TopicNotFound"]
    assert (again["count"], again["metadata"]["resourceVersion"]) == (1, told["metadata"]["resourceVersion"])
