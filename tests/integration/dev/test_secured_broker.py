"""The secured broker lets in whom it knows, and lets each do what it was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclOperation,
    AdminClient,
    ResourceType,
)

from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from dev.secured_kafka import SecuredBroker

TOPIC = "secured"


@pytest.fixture(scope="module")
def secured(secured_broker: SecuredBroker) -> SecuredBroker:
    """Put one message on a topic."""
    broker = BrokerClient(secured_broker.bootstrap_servers)
    broker.create_topic(TOPIC)
    broker.publish(TOPIC, [b"kept"])
    return secured_broker


def read_one(client: dict[str, str], group: str) -> bytes | None:
    """Return the first message, as a member of a group reads it; raise what the broker answers instead."""
    consumer = Consumer(client | {"group.id": group, "auto.offset.reset": "earliest", "log_level": "0"})
    consumer.subscribe([TOPIC])
    try:
        message = consumer.poll(30)
        assert message is not None
        if (error := message.error()) is not None:
            raise KafkaException(error)
        return message.value()
    finally:
        consumer.close()


def refusal(client: dict[str, str], group: str) -> int:
    with pytest.raises(KafkaException) as refused:
        read_one(client, group)
    return int(refused.value.args[0].code())


def reaches(client: dict[str, str]) -> bool:
    """Tell whether a client is let in at all."""
    admin = AdminClient({**client, "log_level": "0"})
    try:
        return bool(admin.list_topics(timeout=5).brokers)
    except KafkaException:
        return False


def test_a_user_with_a_certificate_reads_what_it_may(secured: SecuredBroker) -> None:
    secured.let_consume("CN=anna", TOPIC, "annas")
    assert read_one(secured.over_tls("anna"), "annas") == b"kept"


def test_a_user_with_a_password_reads_what_it_may(secured: SecuredBroker) -> None:
    client = secured.over_scram("bert", "correct horse")
    secured.let_consume("bert", TOPIC, "berts")
    assert read_one(client, "berts") == b"kept"


def test_a_user_without_an_acl_for_the_topic_is_told_so(secured: SecuredBroker) -> None:
    secured.allow("CN=carla", ResourceType.GROUP, "carlas", AclOperation.READ)
    assert refusal(secured.over_tls("carla"), "carlas") == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_user_may_not_join_another_group(secured: SecuredBroker) -> None:
    secured.let_consume("CN=dora", TOPIC, "doras")
    assert refusal(secured.over_tls("dora"), "annas") == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_what_was_taken_back_is_forbidden_again(secured: SecuredBroker) -> None:
    client = secured.over_tls("emil")
    secured.let_consume("CN=emil", TOPIC, "emils")
    assert read_one(client, "emils") == b"kept"

    secured.forbid("CN=emil", ResourceType.GROUP, "emils", AclOperation.READ)

    eventually(
        "refused", lambda: refusal(client, "emils"), until=KafkaError.GROUP_AUTHORIZATION_FAILED.__eq__
    )


def test_no_one_gets_in_without_a_certificate(secured: SecuredBroker) -> None:
    client = secured.over_tls("fritz")
    nameless = {key: client[key] for key in ("bootstrap.servers", "security.protocol", "ssl.ca.location")}
    assert reaches(client)
    assert not reaches(nameless)


def test_an_old_password_is_worth_nothing(secured: SecuredBroker) -> None:
    old = secured.over_scram("gina", "one")
    new = secured.over_scram("gina", "two")
    assert reaches(new)
    assert not reaches(old)


def test_the_plain_listener_may_do_everything(secured: SecuredBroker) -> None:
    assert read_one({"bootstrap.servers": secured.bootstrap_servers}, "anybodys") == b"kept"
