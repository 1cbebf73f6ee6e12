"""A consumer waits for its topic, says so in one column, and follows the topic as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.builders import event_consumer, kafka_topic
from tests.support.events import encoded
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Kubernetes

TOPIC = "late-events"
CONSUMER = "late-consumer"


@pytest.fixture
def waiting(kubernetes: Kubernetes) -> Iterator[None]:
    """Apply a consumer of a topic that nobody has made."""
    kubernetes.apply(event_consumer(CONSUMER, topicRef={"name": TOPIC}))
    yield
    kubernetes.delete("eventconsumer", CONSUMER)
    kubernetes.delete("kafkatopic", TOPIC)


@pytest.mark.usefixtures("waiting")
def test_it_waits_for_the_topic_and_starts_within_30_s_of_it(kubernetes: Kubernetes) -> None:
    eventually(
        "the reason in one column", lambda: kubernetes.row(CONSUMER)["STATUS"] == "TopicNotFound", within=30
    )
    assert CONSUMER not in {d["metadata"]["name"] for d in kubernetes.list("deployments")}

    kubernetes.apply(kafka_topic(TOPIC, partitions=2))

    eventually("a Deployment", lambda: kubernetes.get("deployment", CONSUMER), within=30)
    eventually("a ready worker", lambda: kubernetes.row(CONSUMER)["READY"] == "1/1", within=90)
    eventually("its lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0", within=30)


@pytest.mark.usefixtures("waiting")
def test_a_deleted_resource_takes_its_deployment_along(kubernetes: Kubernetes) -> None:
    kubernetes.apply(kafka_topic(TOPIC))
    eventually("a Deployment", lambda: kubernetes.get("deployment", CONSUMER))

    kubernetes.delete("eventconsumer", CONSUMER)

    eventually(
        "no Deployment",
        lambda: CONSUMER not in {d["metadata"]["name"] for d in kubernetes.list("deployments")},
    )


@pytest.mark.usefixtures("waiting")
def test_a_topic_may_have_another_name_in_kafka(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    kubernetes.apply(kafka_topic(TOPIC, topic_name="Late_Events"))
    eventually("a ready worker", lambda: kubernetes.row(CONSUMER)["READY"] == "1/1")

    kafka.publish("Late_Events", [encoded() for _ in range(5)])

    eventually("it has read them", lambda: kafka.committed_offsets(CONSUMER, "Late_Events") == {0: 5})
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0")
    assert kubernetes.status(CONSUMER)["topic"] == "Late_Events"


@pytest.mark.usefixtures("waiting")
def test_partitions_that_are_added_are_seen_and_read(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    kubernetes.apply(kafka_topic(TOPIC, partitions=1))
    eventually("one partition", lambda: kubernetes.status(CONSUMER).get("partitionCount") == 1)

    kubernetes.apply(kafka_topic(TOPIC, partitions=3))

    eventually("three partitions", lambda: kubernetes.status(CONSUMER).get("partitionCount") == 3)
    kafka.publish(TOPIC, [encoded() for _ in range(5)], partition=2)
    # A worker looks for new partitions when its view of the topic gets old.
    eventually("it has read them", lambda: kafka.committed_offsets(CONSUMER, TOPIC).get(2) == 5, within=150)
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0")


def test_a_deployment_of_the_same_name_is_never_adopted(kubernetes: Kubernetes) -> None:
    kubernetes.kubectl("create", "deployment", "taken", "--image=example/other:1", "--replicas=0")
    kubernetes.apply(event_consumer("taken"))

    eventually(
        "the conflict in one column", lambda: kubernetes.row("taken")["STATUS"] == "NameConflict", within=30
    )
    [container] = kubernetes.get("deployment", "taken")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "example/other:1"

    kubernetes.delete("eventconsumer", "taken")
    kubernetes.delete("deployment", "taken")
