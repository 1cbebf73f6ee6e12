"""What a spec with servers of its own asks for, by names of Secrets."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_operator.checks import connection_of
from eventconsumer_operator.security import OPEN, Sasl, SecretKey, Security, Tls
from tests.unit.operator.builders import consumer, world

PASSWORD = {"passwordSecretRef": {"name": "login"}}
ASKED: dict[str, tuple[dict[str, Any], Security]] = {
    "nothing": ({}, OPEN),
    "encryption alone": ({"tls": {}}, Security(Tls())),
    "a CA of its own": (
        {"tls": {"caSecretRef": {"name": "ca", "key": "root.pem"}}},
        Security(Tls(SecretKey("ca", "root.pem"))),
    ),
    "a certificate": (
        {"tls": {"caSecretRef": {"name": "ca"}, "certificateSecretRef": {"name": "me"}}},
        Security(Tls(SecretKey("ca", "ca.crt"), SecretKey("me", "tls.crt"), SecretKey("me", "tls.key"))),
    ),
    "a password": (
        {"sasl": {"username": "reader", **PASSWORD}},
        Security(sasl=Sasl("SCRAM-SHA-512", "reader", SecretKey("login", "password"))),
    ),
    "a name in a Secret": (
        {"tls": {}, "sasl": {"mechanism": "PLAIN", "usernameSecretRef": {"name": "login"}, **PASSWORD}},
        Security(Tls(), Sasl("PLAIN", SecretKey("login", "username"), SecretKey("login", "password"))),
    ),
}


@pytest.mark.parametrize(("asked", "given"), ASKED.values(), ids=ASKED.keys())
def test_servers_of_the_spec_s_own_are_connected_to_as_it_asks(
    asked: dict[str, Any], given: Security
) -> None:
    address = {"bootstrapServers": "kafka:9093", "topic": "orders", **asked}
    connection = connection_of(world(consumer=consumer(topicRef=None, kafka=address), topic=None))
    assert connection is not None
    assert connection.security == given
