"""What the stand-in for Strimzi gives to a user is what the broker then holds it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.strimzi_standin.broker import Connection
from dev.strimzi_standin.users import Rule
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from dev.secured_kafka import SecuredBroker
    from dev.strimzi_standin.access import Access

TOPIC = Rule("topic", "task-events", "literal", "*", "Read", "allow")
GROUPS = Rule("group", "team-", "prefix", "*", "All", "deny")
CLUSTER = Rule("cluster", "kafka-cluster", "literal", "127.0.0.1", "DescribeConfigs", "allow")


@pytest.fixture
def connection(secured_broker: SecuredBroker) -> Connection:
    return Connection(secured_broker.bootstrap_servers)


@pytest.fixture
def access(connection: Connection) -> Access:
    return connection.access


def has(access: Access, user: str, *rules: Rule) -> bool:
    return access.rules().get(user, frozenset()) == frozenset(rules)


def test_rules_are_read_back_as_they_were_given(access: Access) -> None:
    access.change("CN=rita", add=[TOPIC, GROUPS, CLUSTER], remove=[])
    eventually("all three", lambda: has(access, "CN=rita", TOPIC, GROUPS, CLUSTER))

    access.change("CN=rita", add=[], remove=[GROUPS, CLUSTER])
    eventually("only the topic's", lambda: has(access, "CN=rita", TOPIC))


def test_a_password_is_given_and_taken_away(access: Access) -> None:
    access.set_password("sven", "correct horse")
    eventually("a password", lambda: "sven" in access.users_with_password())

    access.remove_password("sven")
    eventually("no password", lambda: "sven" not in access.users_with_password())
