"""The operator at a Kafka that asks who comes: what it may ask is known, and what it may not is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclOperation,
    ResourceType,
)

from eventconsumer_operator.access import Access, Login
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.questions import Target
from tests.integration.operator.following import KEY, observe, observed, polling, produce, said
from tests.support.broker_client import BrokerClient
from tests.support.conditions import condition

if TYPE_CHECKING:
    from pathlib import Path

    from dev.secured_kafka import SecuredBroker
    from eventconsumer_operator.world import Observation

USER, PASSWORD = "operator", "correct horse"  # of the test's own broker


@pytest.fixture
def topic(secured_broker: SecuredBroker, request: pytest.FixtureRequest) -> str:
    """Make a topic with two records that nobody has read."""
    name = f"secured-{request.node.name}"
    BrokerClient(secured_broker.bootstrap_servers).create_topic(name)
    produce(secured_broker, name, count=2)
    return name


@pytest.fixture
def by_password(secured_broker: SecuredBroker, tmp_path: Path) -> Access:
    """Write the operator's password where the chart mounts it."""
    client = secured_broker.over_scram(USER, PASSWORD)
    (tmp_path / "password").write_text(PASSWORD)
    ca = secured_broker.ca_file.read_text()
    return Access(
        client["bootstrap.servers"], tls=True, ca=ca, login=Login(str(tmp_path), "SCRAM-SHA-512", USER)
    )


@pytest.fixture
def by_certificate(secured_broker: SecuredBroker, tmp_path: Path) -> Access:
    """Write the operator's certificate where the chart mounts it."""
    client = secured_broker.over_tls(USER)
    for name in ("certificate", "key"):
        path = tmp_path / {"certificate": "user.crt", "key": "user.key"}[name]
        with open(client[f"ssl.{name}.location"]) as file:  # noqa: PTH123  # librdkafka's settings are text
            path.write_text(file.read())
    ca = secured_broker.ca_file.read_text()
    return Access(client["bootstrap.servers"], tls=True, ca=ca, login=Login(str(tmp_path), certificate=True))


def let_ask(broker: SecuredBroker, principal: str, topic: str) -> None:
    broker.allow(principal, ResourceType.TOPIC, topic, AclOperation.DESCRIBE, AclOperation.READ)
    broker.allow(principal, ResourceType.GROUP, topic, AclOperation.DESCRIBE)


def target(access: Access, topic: str) -> Target:
    return Target(access, topic, topic, "earliest")


def why(seen: Observation) -> str:
    told = condition(said(seen), "KeepingUp")
    assert (told["status"], told["reason"], seen.lag.total) == ("Unknown", "LagUnknown", None)
    return str(told["message"])


def test_lag_is_known_by_a_password(secured_broker: SecuredBroker, by_password: Access, topic: str) -> None:
    let_ask(secured_broker, USER, topic)
    assert observe(target(by_password, topic), lambda seen: seen.behind_seconds is not None).lag.total == 2


def test_lag_is_known_by_a_certificate(
    secured_broker: SecuredBroker, by_certificate: Access, topic: str
) -> None:
    let_ask(secured_broker, f"CN={USER}", topic)
    assert observe(target(by_certificate, topic), lambda seen: seen.behind_seconds is not None).lag.total == 2


def test_a_wrong_password_is_said_and_the_right_one_taken_up_without_a_restart(
    secured_broker: SecuredBroker, by_password: Access, topic: str, tmp_path: Path
) -> None:
    let_ask(secured_broker, USER, topic)
    (tmp_path / "password").write_text("guessed")

    async def story() -> tuple[Observation, Observation]:
        async with polling((KEY, target(by_password, topic))) as poller:
            refused = await observed(poller, KEY, lambda seen: seen.fault is not None)
            (tmp_path / "password").write_text(PASSWORD)
            return refused, await observed(poller, KEY, lambda seen: seen.lag.total is not None)

    refused, let_in = asyncio.run(story())
    assert "Kafka refuses the operator's credentials" in why(refused)
    assert let_in.lag.total == 2


def test_servers_that_the_ca_does_not_vouch_for_are_not_trusted(
    secured_broker: SecuredBroker, by_password: Access, topic: str
) -> None:
    another = secured_broker.over_tls("somebody")["ssl.certificate.location"]
    with open(another) as file:  # noqa: PTH123  # librdkafka's settings are text
        strange = Access(by_password.servers, tls=True, ca=file.read(), login=by_password.login)
    seen = observe(target(strange, topic), lambda seen: seen.fault is not None)
    assert "no encrypted connection comes about" in why(seen)


def test_credentials_that_are_not_there_are_said(by_password: Access, topic: str, tmp_path: Path) -> None:
    (tmp_path / "password").unlink()
    assert "password can't be read" in why(observe(target(by_password, topic)))


def test_what_the_operator_may_not_describe_is_named_and_hides_nothing_else(
    secured_broker: SecuredBroker, by_password: Access, topic: str
) -> None:
    let_ask(secured_broker, USER, topic)
    kept = f"{topic}-kept"
    BrokerClient(secured_broker.bootstrap_servers).create_topic(kept)
    other = ObjectKey("tasks", "other")

    async def story() -> tuple[Observation, Observation]:
        async with polling((KEY, target(by_password, topic)), (other, target(by_password, kept))) as poller:
            known = await observed(poller, KEY, lambda seen: seen.lag.total is not None)
            return known, await observed(poller, other, lambda seen: seen.fault is not None)

    known, unknown = asyncio.run(story())
    assert known.lag.total == 2
    assert f"may not describe topic {kept} and group {kept}" in why(unknown)
    assert unknown.topic_exists is None


def test_a_kafka_without_credentials_for_it_says_where_to_name_them(topic: str) -> None:
    nobody = Access("Kafka tasks/events", fault="name one in the chart's kafkaCredentials")
    assert why(observe(target(nobody, topic))) == "name one in the chart's kafkaCredentials"
