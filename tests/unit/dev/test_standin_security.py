"""The stand-in makes authorities, certificates and users as Strimzi does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev import certificates
from dev.certificates import Identity
from dev.strimzi_standin import brokers, kafkas, secret, users
from dev.strimzi_standin.authorities import Authority, authority
from dev.strimzi_standin.secret import FORCE_RENEW, FORCE_REPLACE, Secret
from dev.strimzi_standin.topics import Problem
from dev.strimzi_standin.users import Rule

NOW = "2026-01-02T03:04:05.000000Z"
CLIENTS, CLUSTER = authority("events", "clients", {}, now=NOW), authority("events", "cluster", {}, now=NOW)
KAFKA = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "Kafka",
    "metadata": {"name": "events", "namespace": "tasks", "uid": "u", "generation": 1},
}


def kafka_user(kind: str | None = "tls", **spec: Any) -> dict[str, Any]:
    authentication = {"authentication": {"type": kind}} if kind else {}
    metadata = {"name": "anna", "namespace": "tasks", "generation": 3, "uid": "u"}
    return {"kind": "KafkaUser", "metadata": metadata, "spec": authentication | spec}


def secrets(*listed: Secret) -> dict[str, Secret]:
    return {each.name: each for each in listed}


def made(user: dict[str, Any], *listed: Secret, clients: Authority = CLIENTS) -> Secret:
    found = users.secret(user, clients, secrets(*listed))
    assert isinstance(found, Secret)
    return found


def asking(annotation: str, asked: Secret) -> Secret:
    return replace(asked, annotations={**asked.annotations, annotation: "true"})


def identity(user: Secret) -> Identity:
    return Identity(user.data["user.crt"], user.data["user.key"])


def test_an_authority_is_made_once() -> None:
    there = secrets(CLUSTER.public, CLUSTER.private)
    assert authority("events", "cluster", there, now=NOW) == CLUSTER
    assert CLUSTER.public.name == "events-cluster-ca-cert"
    assert CLUSTER.private.name == "events-cluster-ca"


def test_a_renewed_authority_keeps_its_key_and_what_it_signed() -> None:
    signed = certificates.issue(CLUSTER.identity, "broker")
    there = secrets(asking(FORCE_RENEW, CLUSTER.public), CLUSTER.private)
    new = authority("events", "cluster", there, now=NOW)
    assert new.identity.certificate != CLUSTER.identity.certificate
    assert signed.signed_by(new.identity)
    assert new.public.annotations == {"strimzi.io/ca-cert-generation": "1"}
    assert new.private == CLUSTER.private


def test_a_replaced_authority_signs_anew_and_the_old_one_stays_trusted() -> None:
    signed = certificates.issue(CLUSTER.identity, "broker")
    there = secrets(CLUSTER.public, asking(FORCE_REPLACE, CLUSTER.private))
    new = authority("events", "cluster", there, now=NOW)
    assert not signed.signed_by(new.identity)
    assert new.public.data["ca-2026-01-02T03-04-05Z.crt"] == CLUSTER.identity.certificate
    assert new.trusted.count("BEGIN CERTIFICATE") == 2
    assert authority("events", "cluster", secrets(new.public, new.private), now=NOW) == new


def test_of_the_replaced_authorities_only_the_last_stays_trusted() -> None:
    once = authority(
        "events", "cluster", secrets(CLUSTER.public, asking(FORCE_REPLACE, CLUSTER.private)), now=NOW
    )
    again = secrets(once.public, asking(FORCE_REPLACE, once.private))
    twice = authority("events", "cluster", again, now="2026-02-02T03:04:05.000000Z")
    assert twice.trusted.count("BEGIN CERTIFICATE") == 2
    assert CLUSTER.identity.certificate not in twice.trusted


def test_a_broker_keeps_its_certificate_until_its_authority_is_another() -> None:
    first = brokers.secret(KAFKA, CLUSTER, CLIENTS, {})
    assert brokers.secret(KAFKA, CLUSTER, CLIENTS, secrets(first)) == first

    other = authority("events", "cluster", {}, now=NOW)
    second = brokers.secret(KAFKA, other, CLIENTS, secrets(first))

    assert second.annotations != first.annotations
    keystore = second.data["keystore.pem"]
    assert Identity(keystore, keystore).signed_by(other.identity)


def test_a_listener_with_tls_publishes_its_authority() -> None:
    listener = {"name": "tls", "port": 9093, "type": "internal", "tls": True}
    assert kafkas.listener(KAFKA, listener, "PEM")["certificates"] == ["PEM"]
    assert "certificates" not in kafkas.listener(KAFKA, listener | {"tls": False}, "PEM")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("tls", "CN=anna"), ("tls-external", "CN=anna"), ("scram-sha-512", "anna"), (None, "anna")],
)
def test_kafka_knows_a_user_by_the_way_it_proves_itself(kind: str | None, name: str) -> None:
    assert users.username(kafka_user(kind)) == name


def test_a_user_has_a_certificate_of_the_clients_authority_and_keeps_it() -> None:
    first = made(kafka_user())
    assert identity(first).signed_by(CLIENTS.identity)
    assert identity(first).common_name == "anna"
    assert first.data["ca.crt"] == CLIENTS.identity.certificate
    assert made(kafka_user(), first) == first


def test_a_user_is_certified_anew_where_that_is_asked_for_or_the_authority_changed() -> None:
    first = made(kafka_user())
    asked = made(kafka_user(), asking(FORCE_RENEW, first))
    assert asked.data["user.crt"] != first.data["user.crt"]
    assert not asked.annotations
    other = authority("events", "clients", {}, now=NOW)
    assert identity(made(kafka_user(), first, clients=other)).signed_by(other.identity)


def test_a_password_is_made_once_and_written_as_java_wants_it() -> None:
    first = made(kafka_user("scram-sha-512"))
    assert len(first.data["password"]) == 32
    assert f'username="anna" password="{first.data["password"]}"' in first.data["sasl.jaas.config"]
    assert made(kafka_user("scram-sha-512"), first) == first


def test_a_password_can_be_given() -> None:
    source = {"valueFrom": {"secretKeyRef": {"name": "given", "key": "k"}}}
    user = kafka_user(None, authentication={"type": "scram-sha-512", "password": source})
    assert made(user, Secret("given", {"k": "correct horse"})).data["password"] == "correct horse"
    assert isinstance(users.secret(user, CLIENTS, {}), Problem)


def test_every_operation_is_a_rule_of_its_own() -> None:
    topic = {"resource": {"type": "topic", "name": "t"}, "operations": ["Read", "Describe"]}
    group = {"resource": {"type": "group", "name": "g", "patternType": "prefix"}, "operations": ["Read"]}
    user = kafka_user(authorization={"type": "simple", "acls": [topic, group]})
    assert users.rules(user) == {
        Rule("topic", "t", "literal", "*", "Read", "allow"),
        Rule("topic", "t", "literal", "*", "Describe", "allow"),
        Rule("group", "g", "prefix", "*", "Read", "allow"),
    }


def test_a_ready_user_names_itself_and_its_secret() -> None:
    status = users.status(kafka_user(), None, now=NOW)
    assert (status["username"], status["secret"], status["observedGeneration"]) == ("CN=anna", "anna", 3)
    assert status["conditions"] == [{"type": "Ready", "status": "True", "lastTransitionTime": NOW}]


def test_a_user_that_cannot_be_made_is_not_ready() -> None:
    status = users.status(kafka_user(), Problem("Wrong", "so"), now=NOW)
    assert status["conditions"][0]["type"] == "NotReady"
    assert "username" not in status


def test_a_secret_is_read_back_as_it_was_written() -> None:
    asked = Secret("s", {"k": "v"}, {"a": "b"})
    assert secret.read(secret.written(asked, KAFKA)) == asked
