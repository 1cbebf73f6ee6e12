"""How the operator itself comes to a Kafka, and what it says where it can't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.access import Access, Credentials, Login, through_strimzi, to_servers
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.credentials import CredentialsError, client_settings, mark
from eventconsumer_operator.security import Sasl, SecretKey, Security, Tls
from tests.unit.operator.builders import CA, kafka

if TYPE_CHECKING:
    from pathlib import Path

SASL = Sasl("SCRAM-SHA-256", "reader", SecretKey("user", "password"))


def credentials(authentication: Any, *, folder: str = "/c", **fields: Any) -> Credentials:
    place = {} if "bootstrapServers" in fields else {"namespace": "tasks", "kafka": "events"}
    said = {"folder": folder, "authentication": authentication, **place, **fields}
    return Credentials.model_validate(said)


def test_an_open_listener_is_taken_whatever_the_workers_use() -> None:
    assert through_strimzi(kafka("mtls", "plain"), []) == Access("events-plain:9092")


def test_an_open_listener_with_tls_is_checked_by_the_ca_that_kafka_publishes() -> None:
    assert through_strimzi(kafka("tls", "mtls"), []) == Access("events-tls:9092", tls=True, ca=CA)


def test_given_credentials_are_used_also_where_a_listener_is_open() -> None:
    given = credentials("scram-sha-512", username="operator")
    assert through_strimzi(kafka("plain", "scram"), [given]) == Access(
        "events-scram:9092", tls=True, ca=CA, login=Login("/c", "SCRAM-SHA-512", "operator")
    )


def test_credentials_of_another_kafka_are_left_alone() -> None:
    given = credentials("tls", namespace="elsewhere")
    assert through_strimzi(kafka("plain", "mtls"), [given]) == Access("events-plain:9092")


def test_credentials_may_name_their_listener() -> None:
    given = credentials("tls", listener="mtls")
    assert through_strimzi(kafka("mtls"), [given]).login == Login("/c", certificate=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "name the Secret of a KafkaUser for it in the chart's kafkaCredentials"),
        ([credentials("scram-sha-512")], "it has mtls (tls)"),
    ],
    ids=["no credentials", "credentials that fit no listener"],
)
def test_a_kafka_that_can_not_be_asked_says_what_helps(given: list[Credentials], said: str) -> None:
    access = through_strimzi(kafka("mtls"), given)
    assert access.fault
    assert said in access.fault


def test_servers_that_ask_nobody_are_asked_as_the_workers_ask() -> None:
    assert to_servers(Connection("kafka:9092", "t"), []) == Access("kafka:9092")
    encrypted = Connection("kafka:9093", "t", security=Security(Tls()))
    assert to_servers(encrypted, []) == Access("kafka:9093", tls=True)


@pytest.mark.parametrize(
    "security",
    [Security(Tls(SecretKey("ca", "ca.crt"))), Security(sasl=SASL)],
    ids=["a CA in a Secret", "a password"],
)
def test_secrets_of_the_workers_are_not_the_operator_s(security: Security) -> None:
    access = to_servers(Connection("kafka:9093", "t", security=security), [])
    assert access.fault
    assert "kafkaCredentials" in access.fault


def test_servers_are_asked_by_the_credentials_given_for_them() -> None:
    given = credentials("password", bootstrapServers="kafka:9093", username="operator")
    access = to_servers(Connection("kafka:9093", "t", security=Security(Tls(), SASL)), [given])
    assert access == Access(
        "kafka:9093", tls=True, login=Login("/c", "SCRAM-SHA-256", "operator", has_ca=True)
    )


def test_credentials_for_other_servers_are_never_shown_to_these() -> None:
    given = credentials("password", bootstrapServers="kafka:9093", username="operator")
    secured = Connection("stranger:9093", "t", security=Security(Tls(), SASL))
    assert to_servers(Connection("stranger:9092", "t"), [given]) == Access("stranger:9092")
    assert to_servers(secured, [given]).login is None
    assert to_servers(secured, [given]).fault


def test_servers_are_asked_by_the_certificate_given_for_them() -> None:
    given = credentials("tls", bootstrapServers="kafka:9093")
    access = to_servers(Connection("kafka:9093", "t", security=Security(Tls())), [given])
    assert access == Access("kafka:9093", tls=True, login=Login("/c", certificate=True, has_ca=True))


def test_of_several_listeners_credentials_take_the_one_they_name() -> None:
    given = credentials("tls", listener="mtls")
    assert through_strimzi(kafka("tls", "mtls"), [given]).servers == "events-mtls:9092"


def test_a_password_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    login = Login(str(tmp_path), "SCRAM-SHA-512", "operator")
    assert client_settings(Access("kafka:9093", tls=True, ca=CA, login=login)) == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_SSL",
        "ssl.ca.pem": CA,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "operator",
        "sasl.password": "secret",
    }


def test_a_certificate_is_read_from_its_files_and_not_the_ca_of_the_clients_beside_it(tmp_path: Path) -> None:
    for name in ("user.crt", "user.key", "ca.crt"):
        (tmp_path / name).write_text(name)
    login = Login(str(tmp_path), certificate=True)
    assert client_settings(Access("kafka:9093", tls=True, login=login)) == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SSL",
        "ssl.certificate.pem": "user.crt",
        "ssl.key.pem": "user.key",
    }


def test_the_ca_of_servers_comes_with_the_credentials_for_them(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(CA)
    login = Login(str(tmp_path), has_ca=True)
    assert client_settings(Access("kafka:9093", tls=True, login=login))["ssl.ca.pem"] == CA


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="password"):
        client_settings(Access("kafka:9093", login=Login(str(tmp_path), "PLAIN", "operator")))


def test_renewed_files_make_another_mark(tmp_path: Path) -> None:
    access = Access("kafka:9093", login=Login(str(tmp_path), "PLAIN", "operator"))
    (tmp_path / "password").write_text("one")
    before = mark(access)
    assert mark(access) == before
    (tmp_path / "password").write_text("other")
    assert mark(access) != before
