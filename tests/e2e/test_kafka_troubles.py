"""What is wrong with a group, its topic or its Kafka, as kubectl tells it.

The worker is ready and consumes nothing: what happens to its group and its topic is done by the test.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.builders import event_consumer
from tests.support.conditions import condition, shows
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.idle_worker import idle_consumer, idle_worker
from tests.support.members import silent_member
from tests.support.sure_producer import SureProducer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Kubernetes, Manifest

NAME = "troubled"
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _consumer(kubernetes: Kubernetes) -> Iterator[None]:
    with idle_consumer(kubernetes, NAME, config={"retention.ms": HOUR_MS}):
        yield


def becomes(kubernetes: Kubernetes, kind: str, reason: str, name: str = NAME) -> Manifest:
    """Wait until a condition has a reason, and return the condition."""
    return eventually(
        f"{kind} {reason}",
        lambda: condition(kubernetes.status(name), kind),
        until=lambda found: found.get("reason") == reason,
        within=90,
    )


def test_a_ready_worker_that_is_not_in_its_group_is_missed(kubernetes: Kubernetes) -> None:
    assert becomes(kubernetes, "ConsumersJoined", "MembersMissing")["status"] == "False"
    shows(kubernetes, NAME, "MembersMissing")


def test_a_stranger_in_the_group_is_named_by_client_id_and_host(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    with silent_member(kafka.bootstrap_servers, NAME, topic=NAME, client_id="console-consumer"):
        answer = becomes(kubernetes, "ConsumersJoined", "ForeignMembers")
        shows(kubernetes, NAME, "ForeignMembers")
    assert "console-consumer at " in answer["message"]


def test_a_worker_without_a_partition_is_idle(kubernetes: Kubernetes) -> None:
    kubernetes.apply(event_consumer(NAME, topicRef={"name": NAME}, replicas=2))
    assert "1" in becomes(kubernetes, "ConsumersJoined", "IdleMembers")["message"]


def test_records_that_expired_unread_are_told_and_no_longer_counted(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    kafka.publish(NAME, [encoded() for _ in range(9)])
    kafka.commit(NAME, TopicPartition(NAME, 0, 2))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for deleted in admin.delete_records([TopicPartition(NAME, 0, 6)]).values():
        deleted.result(timeout=30)

    lost = becomes(kubernetes, "DataLoss", "RecordsExpired")

    assert lost["message"].startswith("4 records expired")
    eventually("the lag from the log's start", lambda: kubernetes.row(NAME)["LAG"] == "3")
    shows(kubernetes, NAME, "RecordsExpired")
    about = f"--field-selector=involvedObject.name={NAME},reason=RecordsExpired"
    eventually("an Event", lambda: "RecordsExpired" in kubernetes.kubectl("get", "events", about))


def test_records_that_will_expire_unread_are_told_before(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    producer = SureProducer(kafka.bootstrap_servers)
    producer.produce(NAME, encoded(), timestamp=int(time.time() * 1000) - HOUR_MS + 150_000)
    producer.await_delivery()

    risk = becomes(kubernetes, "RetentionRisk", "ExpiringByTime")

    assert "expire in less than 5 minutes" in risk["message"]
    eventually("its lag", lambda: kubernetes.row(NAME)["LAG"] == "1")
    shows(kubernetes, NAME, "ExpiringByTime")


def test_lag_is_unknown_where_no_kafka_answers(kubernetes: Kubernetes) -> None:
    nowhere = {"bootstrapServers": "nobody.invalid:9092", "topic": NAME}
    kubernetes.apply(
        event_consumer("unanswered", kafka=nowhere, topicRef=None, worker=idle_worker(kubernetes))
    )
    becomes(kubernetes, "KeepingUp", "LagUnknown", "unanswered")
    shows(kubernetes, "unanswered", "LagUnknown")

    row, status = kubernetes.row("unanswered"), kubernetes.status("unanswered")

    assert (row["LAG"], row["BEHIND"]) == ("unknown", "unknown")
    assert (status["lag"], status["lagState"]) == (None, "Unknown")
    kubernetes.delete("eventconsumer", "unanswered")
