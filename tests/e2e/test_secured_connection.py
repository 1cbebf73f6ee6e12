"""Workers come to Kafka as a KafkaUser: by certificate or password, held to its ACLs, through renewals."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from tests.support.builders import acl, event_consumer, kafka_topic, kafka_user
from tests.support.conditions import shows
from tests.support.events import encoded
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Kubernetes, Manifest

TOPIC = "secured-events"
CONSUMER = "secured-consumer"
USER = "secured-user"
AUTHORITY = "events-cluster-ca-cert"
CA_FOLDER, USER_FOLDER = "/etc/eventconsumer/kafka/ca", "/etc/eventconsumer/kafka/user"
ALL_IT_NEEDS = [
    acl("topic", TOPIC, "Read", "Describe"),
    acl("topic", f"{TOPIC}-dlq", "Write", "Describe"),
    acl("group", CONSUMER, "Read"),
]


@pytest.fixture(autouse=True)
def topic(kubernetes: Kubernetes) -> Iterator[str]:
    """Make a topic, and leave neither it nor its consumer nor the user behind."""
    kubernetes.apply(kafka_topic(TOPIC))
    kubernetes.kubectl("wait", "kafkatopic", TOPIC, "--for=condition=Ready", "--timeout=60s")
    yield TOPIC
    kubernetes.delete("eventconsumer", CONSUMER)
    kubernetes.delete("kafkauser", USER)
    kubernetes.delete("kafkatopic", TOPIC)


def let_in(kubernetes: Kubernetes, *acls: dict[str, Any], authentication: str = "tls") -> None:
    kubernetes.apply(kafka_user(USER, acls=acls or ALL_IT_NEEDS, authentication=authentication))


def consume(kubernetes: Kubernetes, **spec: Any) -> None:
    through_strimzi = {"topicRef": {"name": TOPIC}, "userRef": {"name": USER}}
    kubernetes.apply(event_consumer(CONSUMER, **(through_strimzi | spec)))


def reads_all(kubernetes: Kubernetes, kafka: BrokerClient, *, within: float = 90) -> None:
    """Publish some more, and see that lag falls to 0 because the group has read it all."""
    kafka.publish(TOPIC, [encoded() for _ in range(10)])
    ends = kafka.end_offsets(TOPIC)
    eventually(
        "all is read", lambda: kafka.committed_offsets(CONSUMER, TOPIC), until=ends.__eq__, within=within
    )
    eventually("no lag", lambda: kubernetes.row(CONSUMER)["LAG"] == "0")


def env(kubernetes: Kubernetes) -> dict[str, str]:
    [container] = kubernetes.get("deployment", CONSUMER)["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def pod(kubernetes: Kubernetes) -> Manifest:
    found = kubernetes.list("pods", f"app.kubernetes.io/instance={CONSUMER}")
    [living] = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    return living


def start(kubernetes: Kubernetes) -> tuple[str, int]:
    """Tell one start of the worker from all others: another pod, or the same one started again."""
    living = pod(kubernetes)
    [container] = living["status"]["containerStatuses"]
    return living["metadata"]["uid"], container["restartCount"]


def see_secrets_now(kubernetes: Kubernetes) -> None:
    """Let the kubelet look at mounted Secrets at once, as it does when a pod changes, and not in a minute."""
    words = ("annotate", "pods", f"--selector=app.kubernetes.io/instance={CONSUMER}", "--overwrite")
    kubernetes.kubectl(*words, f"tests.eventconsumer.dev/nudge={uuid4()}")


def data(kubernetes: Kubernetes, secret: str, key: str) -> str:
    return b64decode(kubernetes.get("secret", secret)["data"][key]).decode()


def pasted(kubernetes: Kubernetes) -> list[dict[str, Any]]:
    """Return the ACLs that the condition gives to be pasted."""
    conditions = kubernetes.status(CONSUMER)["conditions"]
    [message] = [each["message"] for each in conditions if each["type"] == "UserReady"]
    acls: list[dict[str, Any]] = yaml.safe_load(message.partition("spec.authorization.acls:\n")[2])
    return acls


def mounted(kubernetes: Kubernetes, file: str) -> str:
    return kubernetes.kubectl("exec", f"deployment/{CONSUMER}", "--", "cat", file)


def test_a_user_with_a_certificate_reads_over_tls(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    let_in(kubernetes)
    kafka.publish(TOPIC, [encoded() for _ in range(10)])

    consume(kubernetes)

    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    reads_all(kubernetes, kafka)
    assert env(kubernetes)["KAFKA_SECURITY_PROTOCOL"] == "SSL"
    assert env(kubernetes)["KAFKA_BOOTSTRAP_SERVERS"].endswith(":9093")


def test_a_user_with_a_password_reads_over_scram(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    let_in(kubernetes, authentication="scram-sha-512")
    kafka.publish(TOPIC, [encoded() for _ in range(10)])

    consume(kubernetes)

    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    reads_all(kubernetes, kafka)
    assert env(kubernetes)["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert env(kubernetes)["KAFKA_BOOTSTRAP_SERVERS"].endswith(":9094")
    assert data(kubernetes, USER, "password") not in json.dumps(kubernetes.get("deployment", CONSUMER))


def test_a_user_who_is_not_there_yet_is_waited_for(kubernetes: Kubernetes, kafka: BrokerClient) -> None:
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "UserNotFound", within=90)

    let_in(kubernetes)

    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    reads_all(kubernetes, kafka)


def test_missing_acls_are_told_as_yaml_that_helps_once_it_is_pasted(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    half = acl("topic", TOPIC, "Read", "Describe")
    let_in(kubernetes, half)
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "AclMissing", within=90)

    let_in(kubernetes, half, *pasted(kubernetes))

    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    reads_all(kubernetes, kafka)


def test_a_listener_that_does_not_fit_the_user_is_named(kubernetes: Kubernetes) -> None:
    let_in(kubernetes)
    consume(kubernetes, listener="scram")
    shows(kubernetes, CONSUMER, "AuthenticationMismatch", within=90)

    consume(kubernetes, listener="tls")
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)


def test_a_secured_kafka_that_strimzi_does_not_run_is_read_and_its_lag_is_said_to_be_unknown(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    let_in(kubernetes, authentication="scram-sha-512")
    given = {
        # No listener of a Kafka resource is published so: the operator can't tell that it knows the cluster.
        "bootstrapServers": "events-kafka-bootstrap.tasks:9094",
        "topic": TOPIC,
        "tls": {"caSecretRef": {"name": AUTHORITY}},
        "sasl": {"mechanism": "SCRAM-SHA-512", "username": USER, "passwordSecretRef": {"name": USER}},
    }
    kafka.publish(TOPIC, [encoded() for _ in range(10)])

    consume(kubernetes, topicRef=None, userRef=None, kafka=given)

    ends = kafka.end_offsets(TOPIC)
    eventually("all is read", lambda: kafka.committed_offsets(CONSUMER, TOPIC), until=ends.__eq__, within=90)
    # The operator may read no Secret, so it can't log in and ask.
    shows(kubernetes, CONSUMER, "LagUnknown", within=90)
    assert kubernetes.row(CONSUMER)["LAG"] == "unknown"


def test_a_renewed_certificate_is_taken_up_by_another_start_of_the_worker(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    let_in(kubernetes)
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    before, old = start(kubernetes), data(kubernetes, USER, "user.crt")

    kubernetes.kubectl("annotate", "secret", USER, "strimzi.io/force-renew=true")

    eventually("a new certificate", lambda: data(kubernetes, USER, "user.crt"), until=lambda now: now != old)
    see_secrets_now(kubernetes)
    eventually("another start", lambda: start(kubernetes) != before, within=180)
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    assert mounted(kubernetes, f"{USER_FOLDER}/user.crt") == data(kubernetes, USER, "user.crt")
    reads_all(kubernetes, kafka)


def test_a_renewed_password_is_taken_up_by_another_start_of_the_worker(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    let_in(kubernetes, authentication="scram-sha-512")
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    before, old = start(kubernetes), data(kubernetes, USER, "password")

    kubernetes.delete("secret", USER)

    eventually("a new password", lambda: data(kubernetes, USER, "password"), until=lambda now: now != old)
    see_secrets_now(kubernetes)
    eventually("another start", lambda: start(kubernetes) != before, within=180)
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    reads_all(kubernetes, kafka)


def test_workers_roll_when_the_authority_of_the_brokers_is_another(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    let_in(kubernetes)
    consume(kubernetes)
    shows(kubernetes, CONSUMER, "CaughtUp", within=90)
    before, old = pod(kubernetes)["metadata"]["uid"], data(kubernetes, AUTHORITY, "ca.crt")

    kubernetes.kubectl("annotate", "secret", "events-cluster-ca", "strimzi.io/force-replace=true")

    eventually("a new authority", lambda: data(kubernetes, AUTHORITY, "ca.crt"), until=lambda now: now != old)
    eventually("another pod", lambda: pod(kubernetes)["metadata"]["uid"] != before, within=180)
    shows(kubernetes, CONSUMER, "CaughtUp", within=180)
    assert mounted(kubernetes, f"{CA_FOLDER}/ca.crt") == data(kubernetes, AUTHORITY, "ca.crt")
    reads_all(kubernetes, kafka)
