"""The stand-in decides as Strimzi 1.2 does."""

from __future__ import annotations

from typing import Any

import pytest

from dev.strimzi_standin import broker, kafkas, topics
from dev.strimzi_standin.topics import Configure, Create, Grow, Problem, Topic

NOW, EARLIER = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
TOPIC = Topic(id="9ErdcGEhSBymqr-ggJUgzQ", partitions=3)
READY = {"type": "Ready", "status": "True"}
BROKER = kafkas.Broker("cluster", "4.2.1")


def kafka_topic(name: str = "task-events", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": "tasks",
            "generation": 4,
            "creationTimestamp": EARLIER,
            "labels": {"strimzi.io/cluster": "events"},
        },
        "spec": spec,
    }


def pausing(resource: dict[str, Any]) -> dict[str, Any]:
    resource["metadata"]["annotations"] = {"strimzi.io/pause-reconciliation": "true"}
    return resource


def younger(resource: dict[str, Any]) -> dict[str, Any]:
    resource["metadata"]["creationTimestamp"] = NOW
    return resource


def kafka(*listeners: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": "events", "namespace": "tasks", "generation": 2},
        "spec": {"kafka": {"listeners": list(listeners)}},
    }


PLAIN = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
EXTERNAL = {
    "name": "external",
    "port": 9094,
    "type": "nodeport",
    "tls": False,
    "configuration": {
        "bootstrap": {"nodePort": 30092},
        "brokers": [{"broker": 0, "advertisedHost": "127.0.0.1", "advertisedPort": 30092}],
    },
}


def test_a_missing_topic_is_made_as_asked() -> None:
    resource = kafka_topic(partitions=3, config={"retention.ms": 60000, "preallocate": True})
    assert topics.actions(resource, None) == [Create(3, {"retention.ms": "60000", "preallocate": "true"})]


def test_absent_partitions_leave_the_number_to_the_broker() -> None:
    assert topics.actions(kafka_topic(), None) == [Create(None, {})]
    assert topics.actions(kafka_topic(), TOPIC) == []


def test_more_partitions_are_added_and_equal_ones_left_alone() -> None:
    assert topics.actions(kafka_topic(partitions=5), TOPIC) == [Grow(5)]
    assert topics.actions(kafka_topic(partitions=3), TOPIC) == []


def test_settings_follow_and_those_no_longer_named_go_back_to_the_default() -> None:
    topic = Topic("id", 3, {"retention.ms": "1", "cleanup.policy": "compact", "segment.bytes": "9"})
    resource = kafka_topic(config={"retention.ms": 2, "cleanup.policy": "compact"})
    assert topics.actions(resource, topic) == [Configure({"segment.bytes": None, "retention.ms": "2"})]


def test_a_list_is_written_with_commas() -> None:
    resource = kafka_topic(config={"cleanup.policy": ["compact", "delete"]})
    assert topics.actions(resource, None) == [Create(None, {"cleanup.policy": "compact,delete"})]


def test_fewer_partitions_are_refused_and_the_topic_keeps_its_id() -> None:
    resource = kafka_topic(partitions=2) | {"status": {"topicId": TOPIC.id}}
    problem = topics.refusal(resource, TOPIC)
    assert problem == Problem("NotSupported", "Decreasing partitions not supported")
    status = topics.status(resource, TOPIC, problem, now=NOW)
    assert status["topicId"] == TOPIC.id
    assert status["conditions"][0] == {
        "type": "Ready",
        "status": "False",
        "lastTransitionTime": NOW,
        "reason": "NotSupported",
        "message": "Decreasing partitions not supported",
    }


def test_an_id_is_written_in_kafkas_own_alphabet() -> None:
    assert broker.url_safe("9ErdcGEhSBymqr+ggJU/zQ") == "9ErdcGEhSBymqr-ggJU_zQ"


def test_a_renamed_topic_is_refused() -> None:
    resource = kafka_topic(topicName="other") | {"status": {"topicName": "task-events"}}
    assert topics.refusal(resource, None) == Problem(
        "NotSupported", "Changing spec.topicName is not supported"
    )


def test_a_reconciled_topic_is_ready_with_id_name_and_generation() -> None:
    status = topics.status(kafka_topic(topicName="real"), TOPIC, None, now=NOW)
    assert status == {
        "conditions": [READY | {"lastTransitionTime": NOW}],
        "observedGeneration": 4,
        "topicId": TOPIC.id,
        "topicName": "real",
    }


def test_a_paused_topic_says_only_that_and_loses_its_id() -> None:
    resource = pausing(kafka_topic()) | {"status": {"topicId": TOPIC.id, "conditions": [READY]}}
    status = topics.status(resource, TOPIC, None, now=NOW)
    assert [one["type"] for one in status["conditions"]] == ["ReconciliationPaused"]
    assert "topicId" not in status


def test_the_oldest_of_two_resources_keeps_the_topic() -> None:
    first, second = kafka_topic("first", topicName="shared"), younger(kafka_topic("shared"))
    assert topics.conflict(first, [second, first]) is None
    assert topics.conflict(second, [second, first]) == Problem(
        "ResourceConflict", "Managed by Ref{namespace='tasks', name='first'}"
    )


def test_topics_of_another_cluster_are_no_rivals() -> None:
    first, second = kafka_topic("first", topicName="shared"), younger(kafka_topic("shared"))
    first["metadata"]["labels"] = {"strimzi.io/cluster": "other"}
    assert topics.conflict(second, [first, second]) is None


@pytest.mark.parametrize(
    ("before", "time"), [(READY, EARLIER), (READY | {"status": "False"}, NOW), ({}, NOW)]
)
def test_the_transition_time_moves_only_with_the_condition(before: dict[str, Any], time: str) -> None:
    status = {"conditions": [before | {"lastTransitionTime": EARLIER}]}
    assert topics.condition(READY, status, now=NOW)["lastTransitionTime"] == time


def test_a_kafka_publishes_both_listeners_as_they_are_reached() -> None:
    status = kafkas.status(kafka(PLAIN, EXTERNAL), BROKER, certificate="PEM", now=NOW)
    assert {one["name"]: one["bootstrapServers"] for one in status["listeners"]} == {
        "plain": "events-kafka-bootstrap.tasks.svc:9092",
        "external": "127.0.0.1:30092",
    }
    assert status["listeners"][1]["addresses"] == [{"host": "127.0.0.1", "port": 30092}]
    assert (status["clusterId"], status["kafkaVersion"], status["observedGeneration"]) == (
        "cluster",
        "4.2.1",
        2,
    )


def test_a_kafka_without_its_broker_keeps_its_listeners_and_is_not_ready() -> None:
    resource = kafka(PLAIN)
    resource["status"] = kafkas.status(resource, BROKER, certificate="PEM", now=EARLIER)
    away = kafkas.status(resource, None, certificate="PEM", now=NOW)
    assert away["listeners"] == resource["status"]["listeners"]
    assert away["conditions"][0]["status"] == "False"
    assert away["conditions"][0]["reason"] == "KafkaUnreachable"
