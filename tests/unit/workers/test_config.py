"""The environment contract: the names, the defaults by worker, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.logs import Format
from eventconsumer_workers.sinks.settings import ONLY_THE_LOG


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_seed_s_names_and_defaults_work_without_any_environment() -> None:
    settings = Settings(kind=Kind.AUDIT, client_id="pod-1")
    assert settings.model_dump() == {
        "kind": Kind.AUDIT,
        "kafka_bootstrap_servers": "localhost:30092",
        "kafka_topic": "task-events",
        "kafka_group_id": "audit-service",
        "kafka_dead_letter_topic": "task-events-dlq",
        "kafka_auto_offset_reset": "earliest",
        "kafka_security_protocol": "PLAINTEXT",
        "kafka_ca_location": None,
        "kafka_certificate_location": None,
        "kafka_key_location": None,
        "kafka_sasl_mechanism": None,
        "kafka_sasl_username": None,
        "kafka_sasl_password_file": None,
        "event_types": frozenset(),
        "audit_retention_days": None,
        "delivery_attempts": 5,
        "delivery_backoff_seconds": 1.0,
        "delivery_backoff_max_seconds": 60.0,
        "handler_concurrency": 1,
        "notification_sinks": tuple(sink.model_dump() for sink in ONLY_THE_LOG),
        "audit_log_path": Path("audit.log"),
        "health_port": 8080,
        "kafka_fetch_ahead_kbytes": 16_384,
        "group_protocol": "classic",
        "group_session_seconds": 10,
        "log_format": Format.TEXT,
        "client_id": "pod-1",
        "audit_database_url": None,
        "schema_registry_url": None,
        "schema_registry_username": None,
        "schema_registry_password_file": None,
    }


def test_the_notification_worker_wants_created_and_completed_tasks() -> None:
    settings = Settings(kind=Kind.NOTIFICATION)
    assert settings.kafka_group_id == "notification-service"
    assert settings.event_types == {"task.created", "task.completed"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("task.updated", {"task.updated"}),
        (" task.created , task.updated,", {"task.created", "task.updated"}),
        ("", set()),
    ],
    ids=["one", "several", "empty means all"],
)
def test_event_types_are_a_comma_list(monkeypatch: pytest.MonkeyPatch, text: str, wanted: set[str]) -> None:
    monkeypatch.setenv("EVENT_TYPES", text)
    assert Settings(kind=Kind.NOTIFICATION).event_types == wanted


def test_the_dead_letter_topic_follows_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_TOPIC", "orders")
    assert Settings(kind=Kind.AUDIT).kafka_dead_letter_topic == "orders-dlq"


@pytest.mark.parametrize(
    ("name", "value"),
    [("KAFKA_AUTO_OFFSET_RESET", "newest"), ("HEALTH_PORT", "99999"), ("KAFKA_TOPIC", "")],
)
def test_a_value_outside_the_contract_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings(kind=Kind.AUDIT)


@pytest.mark.parametrize(
    ("set_", "missing"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_MECHANISM"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
            "KAFKA_SASL_USERNAME",
        ),
        ({"KAFKA_CERTIFICATE_LOCATION": "user.crt"}, "KAFKA_KEY_LOCATION"),
    ],
    ids=["no mechanism", "no user", "no key"],
)
def test_half_credentials_are_refused_by_the_name_of_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, set_: dict[str, str], missing: str
) -> None:
    for name, value in set_.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=missing):
        Settings(kind=Kind.AUDIT)


def test_a_retention_of_a_volume_is_refused_where_the_log_is_in_a_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", "30")
    assert Settings(kind=Kind.AUDIT).audit_retention_days == 30
    monkeypatch.setenv("AUDIT_DATABASE_URL", "postgresql://audit")
    with pytest.raises(ValidationError, match="`audit remove` shortens one in a database"):
        Settings(kind=Kind.AUDIT)
