"""What the Task API is told about a Kafka that asks who comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from eventconsumer_api.kafka_security import KafkaCredentials, KafkaSecuritySettings


@pytest.fixture
def by_password(tmp_path: Path) -> KafkaSecuritySettings:
    (tmp_path / "ca.crt").write_text("a CA")
    (tmp_path / "password").write_text("correct horse\n")
    return KafkaSecuritySettings(
        kafka_security_protocol="SASL_SSL",
        kafka_ca_location=tmp_path / "ca.crt",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="task-api",
        kafka_sasl_password_file=tmp_path / "password",
    )


def test_without_settings_nobody_logs_in() -> None:
    assert KafkaCredentials(KafkaSecuritySettings()).config() == {"security.protocol": "PLAINTEXT"}


def test_a_password_comes_from_its_file(by_password: KafkaSecuritySettings, tmp_path: Path) -> None:
    assert KafkaCredentials(by_password).config() == {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(tmp_path / "ca.crt"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "task-api",
        "sasl.password": "correct horse",
    }


@pytest.mark.parametrize("name", ["ca.crt", "password"])
def test_a_renewed_file_is_seen_within_five_seconds(
    by_password: KafkaSecuritySettings, tmp_path: Path, name: str
) -> None:
    clock = [0.0]
    credentials = KafkaCredentials(by_password, now=lambda: clock[0])
    credentials.config()
    assert not credentials.renewed()
    (tmp_path / name).write_text("renewed")
    assert not credentials.renewed()
    clock[0] = 5.0
    assert credentials.renewed()
    credentials.config()
    clock[0] = 10.0
    assert not credentials.renewed()


def test_a_file_that_is_away_for_a_moment_is_waited_for(
    by_password: KafkaSecuritySettings, tmp_path: Path
) -> None:
    credentials = KafkaCredentials(by_password)
    credentials.config()
    (tmp_path / "password").unlink()
    assert not credentials.renewed()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "KAFKA_SASL_MECHANISM: SASL_SSL needs it"),
        ({"kafka_key_location": Path("key")}, "KAFKA_CERTIFICATE_LOCATION: it and KAFKA_KEY_LOCATION"),
        ({"kafka_ca_location": Path("nowhere/ca.crt")}, "KAFKA_CA_LOCATION: there is no file"),
    ],
)
def test_half_of_a_credential_is_refused(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        KafkaSecuritySettings.model_validate(said)
