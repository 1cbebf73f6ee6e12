"""Which fault is found in which world, and where workers consume from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator.checks import (
    OWNERSHIP_CHECKS,
    TOPIC_CHECKS,
    connection_of,
    findings,
    first_finding,
    start_not_fixed,
)
from eventconsumer_operator.connection import Connection, recreated, remembered
from eventconsumer_operator.desired import deployment as desired_deployment
from eventconsumer_operator.names import ConditionType, Reason
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.pod_template import Image
from tests.unit.operator.builders import consumer, deployment, kafka, observation, topic, user, world

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World

ADDRESS = {"bootstrapServers": "kafka:9092", "topic": "orders"}
GIVEN = consumer(topicRef=None, kafka=ADDRESS)
PAUSED = [{"type": "ReconciliationPaused", "status": "True"}]

FAULTS: dict[str, tuple[World, Reason | None]] = {
    "a healthy world has none": (world(), None),
    "the KafkaTopic is missing": (world(topic=None), Reason.TOPIC_NOT_FOUND),
    "the KafkaTopic names no Kafka": (world(topic=topic(labels={})), Reason.KAFKA_NOT_FOUND),
    "the Kafka it names is missing": (world(kafka=None), Reason.KAFKA_NOT_FOUND),
    "the wanted listener is missing": (world(consumer=consumer(listener="vpn")), Reason.LISTENER_NOT_FOUND),
    "only a listener with TLS is there": (world(kafka=kafka("tls")), None),
    "only listeners that ask who comes are there": (
        world(kafka=kafka("mtls", "scram")),
        Reason.LISTENER_NOT_FOUND,
    ),
    "no listener is published yet": (
        world(kafka={"metadata": {"name": "events"}, "status": {}}),
        Reason.LISTENER_NOT_FOUND,
    ),
    "the KafkaTopic is refused": (world(topic=topic(ready="False")), Reason.TOPIC_NOT_READY),
    "Strimzi has not looked at the KafkaTopic yet": (world(topic=topic(ready=None)), Reason.TOPIC_NOT_READY),
    "a paused KafkaTopic is not at fault": (world(topic=topic(ready=None, conditions=PAUSED)), None),
    "a given topic that Kafka does not have": (
        world(consumer=GIVEN, topic=None, kafka=None, observation=observation(topic_exists=False)),
        Reason.TOPIC_NOT_FOUND,
    ),
    "a given topic that Kafka can't be asked about": (
        world(consumer=GIVEN, topic=None, kafka=None, observation=observation(topic_exists=None)),
        None,
    ),
}


@pytest.mark.parametrize(("seen", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_the_first_fault_of_the_topic_is_found(seen: World, reason: Reason | None) -> None:
    finding = first_finding(seen, TOPIC_CHECKS)
    assert (finding.reason if finding else None) == reason


KNOWN = consumer(userRef={"name": "reader"})


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (world(consumer=KNOWN, user=user(), topic=None, kafka=None), Reason.TOPIC_NOT_FOUND),
        (world(consumer=KNOWN, user=user(), kafka=None), Reason.KAFKA_NOT_FOUND),
    ],
    ids=["no topic", "no Kafka"],
)
def test_where_the_way_to_kafka_is_not_known_nothing_else_is_found(seen: World, reason: Reason) -> None:
    assert [finding.reason for finding in findings(seen)] == [reason]
    assert connection_of(seen) is None


def test_a_missing_topic_is_named_with_its_namespace() -> None:
    finding = first_finding(world(topic=None), TOPIC_CHECKS)
    assert finding is not None
    assert finding.message == "KafkaTopic task-events does not exist in namespace tasks"


def test_a_missing_topic_asks_for_strimzi_where_its_resources_are_unknown() -> None:
    finding = first_finding(world(topic=None, strimzi_served=False), TOPIC_CHECKS)
    assert finding is not None
    assert "is Strimzi installed?" in finding.message


def test_a_missing_listener_is_told_with_those_there_are() -> None:
    finding = first_finding(world(consumer=consumer(listener="vpn")), TOPIC_CHECKS)
    assert finding is not None
    assert finding.message == (
        "Kafka events has no listener vpn; it has tls (no authentication), plain (no authentication),"
        " external (no authentication)"
    )


@pytest.mark.parametrize("uid", ["", "another-resource"])
def test_a_deployment_of_someone_else_is_a_conflict(uid: str) -> None:
    finding = first_finding(world(deployment=deployment(uid=uid)), OWNERSHIP_CHECKS)
    assert finding is not None
    assert finding.reason is Reason.NAME_CONFLICT


def test_a_volume_claim_of_someone_else_is_a_conflict() -> None:
    claim = {"metadata": {"name": "notification-service-audit", "ownerReferences": []}}
    finding = first_finding(world(claim=claim), OWNERSHIP_CHECKS)
    assert finding is not None
    assert (finding.condition, finding.reason) == (ConditionType.WORKERS_AVAILABLE, Reason.NAME_CONFLICT)


def test_the_connection_goes_through_the_plain_internal_listener() -> None:
    assert connection_of(world()) == Connection("events-plain:9092", "task-events")


def test_a_named_listener_is_taken_whatever_it_is() -> None:
    assert connection_of(world(consumer=consumer(listener="external"))) == Connection(
        "events-external:9092", "task-events"
    )


def test_the_topic_s_name_in_kafka_may_differ_from_the_resource_s() -> None:
    found = connection_of(world(topic=topic(topicName="Task_Events")))
    assert found == Connection("events-plain:9092", "Task_Events")


def test_a_given_connection_is_taken_as_given() -> None:
    assert connection_of(world(consumer=GIVEN, topic=None)) == Connection("kafka:9092", "orders")


def test_without_a_topic_no_worker_is_started() -> None:
    assert connection_of(world(topic=None, deployment=None)) is None


def test_workers_that_run_keep_their_connection_when_the_topic_vanishes() -> None:
    connection = Connection("events-plain:9092", "task-events")
    running = desired_deployment(consumer(), connection, Image("workers", "IfNotPresent"))

    assert connection_of(world(topic=None, deployment=running)) == connection


def running(topic_id: str | None) -> Manifest:
    return desired_deployment(
        consumer(), Connection("events-plain:9092", "task-events", topic_id), Image("workers", "IfNotPresent")
    )


TOPIC_IDS: dict[str, tuple[str | None, str | None, str | None, bool]] = {
    "a topic that stayed": ("one", "one", "one", False),
    "a topic that was made again": ("one", "two", "two", True),
    "a KafkaTopic that does not say its id": ("one", None, "one", False),
    "workers that were started without an id": (None, "one", "one", False),
    "an id that nobody ever said": (None, None, None, False),
}


@pytest.mark.parametrize(("before", "written", "taken", "again"), TOPIC_IDS.values(), ids=TOPIC_IDS.keys())
def test_workers_restart_only_for_another_topic_of_the_name(
    before: str | None, written: str | None, taken: str | None, *, again: bool
) -> None:
    seen = topic(topicId=written) if written else topic()

    connection = connection_of(world(topic=seen, deployment=running(before)))

    assert connection == Connection("events-plain:9092", "task-events", taken)
    assert recreated(remembered(running(before)), connection) is again


def test_the_id_of_another_topic_is_not_kept() -> None:
    renamed = topic(topicName="other-events")
    connection = connection_of(world(topic=renamed, deployment=running("one")))
    assert connection == Connection("events-plain:9092", "other-events")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.NO_TOPIC, Reason.TOPIC_NOT_FOUND),
        (Outcome.UNREACHABLE, Reason.KAFKA_UNREACHABLE),
    ],
)
def test_workers_that_start_from_the_latest_record_wait_until_kafka_said_where_that_is(
    outcome: Outcome, reason: Reason
) -> None:
    finding = start_not_fixed(Connection("kafka:9092", "orders"), outcome)
    assert (finding.condition, finding.reason) == (ConditionType.TOPIC_READY, reason)


def test_a_foreign_deployment_tells_no_connection() -> None:
    foreign = deployment(uid="another-resource")
    foreign["spec"]["template"] = {
        "spec": {"containers": [{"name": "worker", "env": [{"name": "KAFKA_TOPIC", "value": "x"}]}]}
    }
    assert connection_of(world(topic=None, deployment=foreign)) is None
