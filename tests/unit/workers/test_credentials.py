"""What librdkafka is told about credentials, and that renewed files are noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_workers.client_settings import consumer_config, producer_config
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.credentials import CredentialsError, Files, client_config, files

if TYPE_CHECKING:
    from pathlib import Path


def settings(**said: Any) -> Settings:
    return Settings(kind=Kind.NOTIFICATION, client_id="pod-1", kafka_bootstrap_servers="kafka:9092", **said)


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("secret\n")
    return file


def scram(password: Path) -> Settings:
    return settings(
        kafka_security_protocol="SASL_SSL",
        kafka_ca_location=password.parent / "ca.crt",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="reader",
        kafka_sasl_password_file=password,
    )


def test_an_open_kafka_needs_no_credentials() -> None:
    assert client_config(settings()) == {
        "bootstrap.servers": "kafka:9092",
        "client.id": "pod-1",
        "security.protocol": "PLAINTEXT",
    }
    assert files(settings()) == ()


def test_a_certificate_of_its_own_is_told_by_its_files(tmp_path: Path) -> None:
    told = client_config(
        settings(
            kafka_security_protocol="SSL",
            kafka_ca_location=tmp_path / "ca.crt",
            kafka_certificate_location=tmp_path / "user.crt",
            kafka_key_location=tmp_path / "user.key",
        )
    )
    assert told["security.protocol"] == "SSL"
    assert told["ssl.ca.location"] == str(tmp_path / "ca.crt")
    assert told["ssl.certificate.location"] == str(tmp_path / "user.crt")
    assert told["ssl.key.location"] == str(tmp_path / "user.key")


def test_a_password_is_read_from_its_file_without_the_line_break_at_its_end(password: Path) -> None:
    told = client_config(scram(password))
    assert (told["sasl.mechanism"], told["sasl.username"]) == ("SCRAM-SHA-512", "reader")
    assert told["sasl.password"] == "secret"
    assert files(scram(password)) == (password.parent / "ca.crt", password)


def test_dead_letters_are_sent_with_the_same_credentials(password: Path) -> None:
    expected = client_config(scram(password)).items()
    assert expected <= consumer_config(scram(password)).items()
    assert expected <= producer_config(scram(password)).items()


def test_a_missing_password_file_is_named(password: Path) -> None:
    password.unlink()
    with pytest.raises(CredentialsError, match=str(password)):
        client_config(scram(password))


def test_a_renewed_file_is_noticed(password: Path) -> None:
    known = Files([password.parent / "ca.crt", password])
    assert known.renewed() == []
    password.write_text("renewed")
    assert known.renewed() == ["password"]


def test_a_file_that_is_away_or_written_again_as_it_was_is_no_renewal(password: Path) -> None:
    known, content = Files([password]), password.read_text()
    password.unlink()
    assert known.renewed() == []
    password.write_text(content)
    assert known.renewed() == []


def test_a_file_that_appears_after_the_start_is_a_renewal(tmp_path: Path) -> None:
    known = Files([tmp_path / "ca.crt"])
    (tmp_path / "ca.crt").write_text("a certificate")
    assert known.renewed() == ["ca.crt"]
