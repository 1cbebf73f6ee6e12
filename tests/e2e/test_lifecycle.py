"""A consumer is paused, is alone in its group, outlives its topic, takes its group along."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.e2e.conftest import ROOT
from tests.e2e.test_broker_away import broker_away  # noqa: F401  # a fixture
from tests.support.builders import event_consumer, kafka_topic
from tests.support.conditions import shows
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.kubernetes import Kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster import Cluster
    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Manifest

TOPIC = "lifecycle-events"
CONSUMER = "lifecycle-consumer"
RIVAL = "lifecycle-rival"
CHART = ROOT / "charts" / "eventconsumer"
FINALIZER = "eventconsumer.dev/consumer-group"


@pytest.fixture
def topic(kubernetes: Kubernetes) -> Iterator[str]:
    """Make a topic, and leave neither it nor a consumer of it behind."""
    kubernetes.apply(kafka_topic(TOPIC))
    yield TOPIC
    for consumer in (RIVAL, CONSUMER):
        kubernetes.kubectl("delete", "eventconsumer", consumer, "--ignore-not-found", "--timeout=180s")
    kubernetes.delete("kafkatopic", TOPIC)


def consume(kubernetes: Kubernetes, name: str = CONSUMER, **spec: Any) -> None:
    kubernetes.apply(event_consumer(name, topicRef={"name": TOPIC}, **spec))


def change(kubernetes: Kubernetes, name: str = CONSUMER, **spec: Any) -> None:
    kubernetes.kubectl(
        "patch", "eventconsumer", name, "--type=merge", f"--patch={json.dumps({'spec': spec})}"
    )


def condition(kubernetes: Kubernetes, kind: str, name: str = CONSUMER) -> Manifest | None:
    conditions = kubernetes.status(name)["conditions"]
    return next((entry for entry in conditions if entry["type"] == kind), None)


def pods(kubernetes: Kubernetes, name: str = CONSUMER) -> list[str]:
    found = kubernetes.list("pods", f"app.kubernetes.io/instance={name}")
    return [str(pod["metadata"]["uid"]) for pod in found if "deletionTimestamp" not in pod["metadata"]]


def deployments(kubernetes: Kubernetes) -> dict[str, int]:
    return {d["metadata"]["name"]: d["spec"]["replicas"] for d in kubernetes.list("deployments")}


def finalizers(kubernetes: Kubernetes) -> list[str]:
    found: list[str] = kubernetes.get("eventconsumer", CONSUMER)["metadata"].get("finalizers", [])
    return found


def told(kubernetes: Kubernetes, reason: str) -> list[str]:
    """Return the messages of the Events of one reason about our consumer."""
    picked = f"--field-selector=involvedObject.name={CONSUMER},reason={reason}"
    items = json.loads(kubernetes.kubectl("get", "events", picked, "--output=json"))["items"]
    return [str(item["message"]) for item in items]


def groups(kafka: BrokerClient) -> set[str]:
    # Kept in a variable: a client that is collected calls off its question.
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    listed = admin.list_consumer_groups(request_timeout=10).result()
    assert not listed.errors
    return {group.group_id for group in listed.valid}


@pytest.mark.usefixtures("topic")
def test_a_paused_consumer_has_no_worker_and_its_lag_goes_on(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    consume(kubernetes, replicas=2)
    eventually("both are in the group", lambda: kubernetes.status(CONSUMER).get("members") == 2)

    change(kubernetes, paused=True)

    shows(kubernetes, CONSUMER, "Paused")
    # A pod that is on its way out still consumes: only an empty group has stopped.
    eventually("an empty group", lambda: kubernetes.status(CONSUMER).get("members") == 0)
    assert not pods(kubernetes)
    paused = condition(kubernetes, "Paused")
    assert paused is not None
    assert paused["status"] == "True"
    kafka.publish(TOPIC, [encoded() for _ in range(7)])
    eventually("its lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "7")
    assert kubernetes.get("eventconsumer", CONSUMER)["spec"]["replicas"] == 2

    change(kubernetes, paused=False)

    eventually("two workers", lambda: kubernetes.row(CONSUMER)["READY"] == "2/2")
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0")
    assert condition(kubernetes, "Paused") is None


@pytest.mark.usefixtures("topic")
def test_of_two_consumers_in_one_group_the_older_runs_and_the_other_takes_over(
    kubernetes: Kubernetes,
) -> None:
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp")

    consume(kubernetes, RIVAL, groupId=CONSUMER)

    shows(kubernetes, RIVAL, "GroupConflict")
    conflict, ready = condition(kubernetes, "GroupConflict", RIVAL), condition(kubernetes, "Ready", RIVAL)
    assert conflict is not None
    assert (conflict["status"], f"tasks/{CONSUMER}" in conflict["message"]) == ("True", True)
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "GroupConflict")
    assert RIVAL not in deployments(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp")

    kubernetes.delete("eventconsumer", CONSUMER)

    shows(kubernetes, RIVAL, "CaughtUp")
    assert condition(kubernetes, "GroupConflict", RIVAL) is None


@pytest.fixture
def elsewhere(cluster: Cluster, kubernetes: Kubernetes) -> Iterator[Kubernetes]:
    """Let the operator see every namespace, and talk to another one than the demo's."""
    upgrade = ("upgrade", "eventconsumer", str(CHART), "--namespace=tasks", "--reuse-values", "--wait")
    cluster.helm(*upgrade, "--set=scope=cluster")
    there = Kubernetes(cluster.kubectl_path, cluster.kubeconfig, "elsewhere")
    kubernetes.kubectl("create", "namespace", "elsewhere")
    yield there
    # The resource goes first: the operator that sees only its own namespace can't remove its finalizer.
    there.delete("eventconsumer", RIVAL)
    kubernetes.kubectl("delete", "namespace", "elsewhere", "--timeout=120s")
    cluster.helm(*upgrade, "--set=scope=namespace")


@pytest.mark.usefixtures("topic")
def test_a_group_is_taken_also_across_namespaces(kubernetes: Kubernetes, elsewhere: Kubernetes) -> None:
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp")
    listeners = kubernetes.get("kafka", "events")["status"]["listeners"]
    servers = next(entry["bootstrapServers"] for entry in listeners if entry["name"] == "plain")
    address = {"bootstrapServers": servers, "topic": TOPIC}

    elsewhere.apply(
        event_consumer(RIVAL, namespace="elsewhere", topicRef=None, kafka=address, groupId=CONSUMER)
    )

    shows(elsewhere, RIVAL, "GroupConflict")
    conflict = condition(elsewhere, "GroupConflict", RIVAL)
    assert conflict is not None
    assert f"tasks/{CONSUMER}" in conflict["message"]
    assert RIVAL not in deployments(elsewhere)

    kubernetes.delete("eventconsumer", CONSUMER)

    eventually("it takes over", lambda: condition(elsewhere, "GroupConflict", RIVAL) is None)


@pytest.mark.usefixtures("topic")
def test_from_latest_the_place_is_committed_before_the_first_worker_starts(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    kubernetes.kubectl("wait", f"kafkatopic/{TOPIC}", "--for=condition=Ready", "--timeout=60s")
    kafka.publish(TOPIC, [encoded() for _ in range(5)])

    # No node fits, so no worker ever starts that could commit anything itself.
    consume(kubernetes, startFrom="latest", template={"nodeSelector": {"disk": "holographic"}})

    eventually("a Deployment", lambda: CONSUMER in deployments(kubernetes))
    assert kafka.committed_offsets(CONSUMER, TOPIC) == {0: 5}
    kafka.publish(TOPIC, [encoded()])
    eventually("what was written since", lambda: kubernetes.row(CONSUMER)["LAG"] == "1")


@pytest.mark.usefixtures("topic")
def test_workers_outlive_their_topic_and_restart_for_the_next_of_its_name(kubernetes: Kubernetes) -> None:
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp")
    [before] = pods(kubernetes)

    kubernetes.delete("kafkatopic", TOPIC)

    shows(kubernetes, CONSUMER, "TopicNotFound")
    assert pods(kubernetes) == [before]

    kubernetes.apply(kafka_topic(TOPIC))

    eventually("another pod", lambda: len(pods(kubernetes)) == 1 and pods(kubernetes) != [before])
    shows(kubernetes, CONSUMER, "CaughtUp")
    [message] = eventually("an Event", lambda: told(kubernetes, "TopicRecreated"))
    assert f"topic {TOPIC} was deleted and made again" in message


@pytest.mark.usefixtures("topic")
def test_delete_takes_the_group_along(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    consume(kubernetes, deletionPolicy="Delete")
    shows(kubernetes, CONSUMER, "CaughtUp")
    assert finalizers(kubernetes) == [FINALIZER]
    eventually("the group", lambda: CONSUMER in groups(kafka))

    kubernetes.delete("eventconsumer", CONSUMER)

    assert CONSUMER not in groups(kafka)
    assert eventually("an Event", lambda: told(kubernetes, "GroupDeleted"))


@pytest.mark.usefixtures("topic")
def test_retain_keeps_the_group_and_has_no_finalizer(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    consume(kubernetes, deletionPolicy="Delete")
    shows(kubernetes, CONSUMER, "CaughtUp")
    eventually("the finalizer", lambda: finalizers(kubernetes) == [FINALIZER])
    kafka.publish(TOPIC, [encoded()])
    eventually("a commit, which outlives the members", lambda: kafka.committed_offsets(CONSUMER, TOPIC))

    change(kubernetes, deletionPolicy="Retain")
    eventually("no finalizer", lambda: not finalizers(kubernetes))
    kubernetes.delete("eventconsumer", CONSUMER)

    assert CONSUMER in groups(kafka)


@pytest.mark.usefixtures("topic")
def test_a_broker_that_is_away_delays_a_deletion_for_two_minutes_at_most(
    kubernetes: Kubernetes, request: pytest.FixtureRequest
) -> None:
    consume(kubernetes, deletionPolicy="Delete")
    shows(kubernetes, CONSUMER, "CaughtUp")
    request.getfixturevalue("broker_away")

    kubernetes.kubectl("delete", "eventconsumer", CONSUMER, "--wait=false")

    eventually(
        "no resource",
        lambda: CONSUMER not in {c["metadata"]["name"] for c in kubernetes.list("eventconsumers")},
        within=150,
    )
    [message] = eventually("an Event", lambda: told(kubernetes, "GroupRetained"))
    assert f"consumer group {CONSUMER} was not deleted: Kafka at" in message
