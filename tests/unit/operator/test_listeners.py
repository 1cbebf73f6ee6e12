"""Which listener is taken where several would do, and what is said where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.checks import TOPIC_CHECKS, USER_CHECKS, connection_of, first_finding
from eventconsumer_operator.desired import deployment
from eventconsumer_operator.listeners import best, published
from eventconsumer_operator.names import Reason
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.security import OPEN, Sasl, SecretKey, Security, Tls
from tests.unit.operator.builders import consumer, kafka, user, world

if TYPE_CHECKING:
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.world import World

CA = SecretKey("events-cluster-ca-cert", "ca.crt")
EVERY = kafka("external", "plain", "tls", "mtls", "scram")


def reading_as(authentication: str | None, *, listener: str | None = None, **parts: Any) -> World:
    asked = consumer(userRef={"name": "reader"}, **({"listener": listener} if listener else {}))
    return world(**{"consumer": asked, "kafka": EVERY, "user": user(authentication)} | parts)


def found(seen: World) -> tuple[Reason, str] | None:
    finding = first_finding(seen, [*TOPIC_CHECKS, *USER_CHECKS])
    return (finding.reason, finding.message) if finding else None


def connected(seen: World) -> Connection:
    connection = connection_of(seen)
    assert connection is not None
    return connection


BEST: dict[str, tuple[list[str], str | None, str | None]] = {
    "plain and internal, for whom nobody knows": (["tls", "plain", "external", "mtls"], None, "plain"),
    "internal with TLS rather than external": (["tls", "external"], None, "tls"),
    "external where nothing else is open": (["external", "mtls"], None, "external"),
    "the one of the user's authentication": (["plain", "mtls", "scram"], "scram-sha-512", "scram"),
    "none where all ask for something else": (["mtls", "scram"], None, None),
}


@pytest.mark.parametrize(("there", "authentication", "taken"), BEST.values(), ids=BEST.keys())
def test_the_best_listener(there: list[str], authentication: str | None, taken: str | None) -> None:
    chosen = best(published(kafka(*there)), authentication=authentication)
    assert (chosen.name if chosen else None) == taken


def test_a_listener_without_servers_is_not_published_yet() -> None:
    pending = kafka("tls", "plain")
    del pending["status"]["listeners"][0]["bootstrapServers"]
    assert [listener.name for listener in published(pending)] == ["plain"]


def test_listeners_are_told_in_the_order_of_the_spec_and_those_it_has_no_more_come_last() -> None:
    removed = kafka("old", "mtls", "plain", "tls")
    assert [listener.name for listener in published(removed)] == ["tls", "plain", "mtls", "old"]


def test_the_encrypted_one_is_the_best_for_a_password() -> None:
    declared = [
        {"name": name, "type": "internal", "tls": tls, "authentication": {"type": "scram-sha-512"}}
        for name, tls in (("bare", False), ("scram", True))
    ]
    chosen = best(published(kafka("bare", "scram", declared=declared)), authentication="scram-sha-512")
    assert chosen is not None
    assert chosen.name == "scram"


def test_an_open_listener_needs_nothing() -> None:
    assert connected(world()).security == OPEN


def test_a_listener_with_tls_has_its_ca_mounted_and_marked() -> None:
    connection = connected(world(consumer=consumer(listener="tls")))
    assert connection.security == Security(Tls(CA))
    assert connection.ca_mark


def test_a_listener_with_a_certificate_of_the_user_s_own_is_checked_by_what_the_system_trusts() -> None:
    declared = [
        {
            "name": "tls",
            "type": "internal",
            "tls": True,
            "configuration": {"brokerCertChainAndKey": {"secretName": "mine"}},
        }
    ]
    assert connected(world(kafka=kafka("tls", declared=declared))).security == Security(Tls())


def test_another_ca_makes_another_mark() -> None:
    renewed = kafka("tls")
    renewed["status"]["listeners"][0]["certificates"] = ["another"]
    before, after = (connected(world(kafka=each)).ca_mark for each in (kafka("tls"), renewed))
    assert before != after


def test_a_user_with_a_certificate_comes_with_the_files_of_its_secret() -> None:
    connection = connected(reading_as("tls"))
    assert connection.bootstrap_servers == "events-mtls:9092"
    assert connection.security == Security(
        Tls(CA, SecretKey("reader", "user.crt"), SecretKey("reader", "user.key"))
    )


def test_a_user_with_a_password_comes_with_its_name_and_the_secret_that_strimzi_names() -> None:
    given = user("scram-sha-512", secret="other-secret", username="reader")  # a Secret's name
    connection = connected(reading_as("scram-sha-512", user=given))
    assert connection.bootstrap_servers == "events-scram:9092"
    assert connection.security == Security(
        Tls(CA), Sasl("SCRAM-SHA-512", "reader", SecretKey("other-secret", "password"))
    )


FAULTS: dict[str, tuple[World, Reason, str]] = {
    "a user that is not there": (
        reading_as("tls", user=None),
        Reason.USER_NOT_FOUND,
        "KafkaUser reader does not exist in namespace tasks",
    ),
    "a cluster that knows no KafkaUsers": (
        reading_as("tls", user=None, users_served=False),
        Reason.USER_NOT_FOUND,
        "is Strimzi installed?",
    ),
    "a user that Strimzi has not looked at": (
        reading_as("tls", user=user("tls", ready=None)),
        Reason.USER_NOT_READY,
        "Strimzi has not said so yet",
    ),
    "a user that Strimzi refuses": (
        reading_as(
            "tls",
            user=user(
                "tls",
                conditions=[{"type": "NotReady", "status": "True", "reason": "Invalid", "message": "bad"}],
            ),
        ),
        Reason.USER_NOT_READY,
        "Invalid: bad",
    ),
    "a user of another Kafka": (
        reading_as("tls", user=user("tls", cluster="other")),
        Reason.AUTHENTICATION_MISMATCH,
        "belongs to Kafka other",
    ),
    "a user without authentication": (
        reading_as(None),
        Reason.AUTHENTICATION_MISMATCH,
        "set its spec.authentication.type to tls or scram-sha-512",
    ),
    "no listener for the user": (
        reading_as("tls", kafka=kafka("plain", "scram")),
        Reason.LISTENER_NOT_FOUND,
        "with authentication tls, which KafkaUser reader has; it has plain (no authentication), scram (scram",
    ),
    "a listener of another authentication": (
        reading_as("tls", listener="scram"),
        Reason.AUTHENTICATION_MISMATCH,
        "name a listener that asks for tls in spec.listener",
    ),
    "a listener that asks nobody": (
        reading_as("tls", listener="plain"),
        Reason.AUTHENTICATION_MISMATCH,
        "leave out spec.userRef",
    ),
    "a listener that asks, and no user": (
        world(consumer=consumer(listener="mtls"), kafka=EVERY),
        Reason.AUTHENTICATION_MISMATCH,
        "name a KafkaUser that has it in spec.userRef.name",
    ),
    "only listeners that ask, and no user": (
        world(kafka=kafka("mtls")),
        Reason.LISTENER_NOT_FOUND,
        "name a KafkaUser of the listener's authentication in spec.userRef.name",
    ),
    "a listener that asks for what workers have not": (
        world(
            consumer=consumer(listener="sso"),
            kafka=kafka("sso", declared=[{"name": "sso", "authentication": {"type": "oauth"}}]),
        ),
        Reason.AUTHENTICATION_MISMATCH,
        "asks for authentication oauth, which workers can't give",
    ),
}


@pytest.mark.parametrize(("seen", "reason", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_with_what_helps(seen: World, reason: Reason, said: str) -> None:
    fault = found(seen)
    assert fault is not None
    assert fault[0] is reason
    assert said in fault[1]


def test_a_user_that_strimzi_was_told_to_pause_can_be_used() -> None:
    paused = [{"type": "ReconciliationPaused", "status": "True"}]
    assert found(reading_as("tls", user=user("tls", conditions=paused))) is None


def test_workers_that_run_keep_their_user_when_it_vanishes() -> None:
    before = connected(reading_as("tls"))
    running = deployment(consumer(), before, Image("workers", "IfNotPresent"))
    assert connection_of(reading_as("tls", user=None, deployment=running)) == before
