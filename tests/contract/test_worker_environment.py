"""What the operator tells a worker is what the worker reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventconsumer_operator import desired, mounts
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.environment import environment
from eventconsumer_operator.models import EventConsumer, Worker
from eventconsumer_operator.names import HEALTH_PORT
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.security import OPEN, Sasl, SecretKey, Security, Tls
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.credentials import files

ROOT = Path(__file__).resolve().parents[2]
SECRET = "orders-user"  # the name of a Secret
SECURED = Security(
    Tls(
        SecretKey("events-cluster-ca-cert", "ca.crt"),
        SecretKey(SECRET, "user.crt"),
        SecretKey(SECRET, "user.key"),
    ),
    Sasl("SCRAM-SHA-512", "orders-user", SecretKey(SECRET, "password")),
)
CONNECTION = Connection("events-kafka-bootstrap:9092", "orders", security=SECURED)
WITHOUT_OPERATOR = {
    "audit_retention_days",
    "client_id",
    "group_protocol",
    "group_session_seconds",
    "kafka_fetch_ahead_kbytes",
    "log_format",
    "schema_registry_password_file",
    "schema_registry_url",
    "schema_registry_username",
}
"""Said by spec.template.env alone: the defaults (the pod's name, 16 MB, text, JSON…) fit nearly everyone."""


def consumer(kind: str) -> EventConsumer:
    spec: dict[str, Any] = {
        "topicRef": {"name": "orders"},
        "worker": {"type": kind},
        "groupId": "orders-group",
        "eventTypes": ["task.updated", "task.created"],
        "startFrom": "latest",
        "delivery": {
            "deadLetterTopic": "orders-failed",
            "attempts": 7,
            "backoff": {"initial": "2s", "max": "1m30s"},
            "concurrency": 16,
        },
    }
    metadata = {"name": "orders", "namespace": "tasks", "uid": "u"}
    return EventConsumer.model_validate({"metadata": metadata, "spec": spec})


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_a_worker_reads_what_the_resource_says(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    for name, value in environment(consumer(kind), CONNECTION).items():
        monkeypatch.setenv(name, str(value))

    settings = Settings(kind=Kind(kind))

    assert settings.kafka_bootstrap_servers == "events-kafka-bootstrap:9092"
    assert (settings.kafka_topic, settings.kafka_group_id) == ("orders", "orders-group")
    assert settings.kafka_dead_letter_topic == "orders-failed"
    assert (settings.delivery_attempts, settings.handler_concurrency) == (7, 16)
    assert (settings.delivery_backoff_seconds, settings.delivery_backoff_max_seconds) == (2, 90)
    assert settings.kafka_auto_offset_reset == "latest"
    assert settings.event_types == {"task.updated", "task.created"}
    assert settings.health_port == HEALTH_PORT
    assert (settings.kafka_security_protocol, settings.kafka_sasl_mechanism) == ("SASL_SSL", "SCRAM-SHA-512")
    assert settings.kafka_sasl_username == "orders-user"


@pytest.mark.parametrize("security", [SECURED, Security(Tls()), OPEN], ids=lambda security: security.protocol)
def test_the_files_a_worker_is_told_of_are_those_mounted_from_secrets(
    monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    told = environment(consumer("notification"), Connection("kafka:9092", "orders", security=security))
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))

    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for volume, mount in zip(mounts.volumes(security), mounts.mounts(security), strict=True)
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }

    assert {str(path) for path in files(Settings(kind=Kind.NOTIFICATION))} == mounted


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_variable_the_operator_sets_is_one_a_worker_reads(kind: str) -> None:
    told = environment(consumer(kind), CONNECTION)
    assert {name.lower() for name in told} <= Settings.model_fields.keys()


def in_postgres() -> EventConsumer:
    storage = {"postgresql": {"urlSecret": {"name": "audit-db-app"}}}
    audit = consumer("audit")
    return audit.model_copy(
        update={
            "spec": audit.spec.model_copy(
                update={"worker": Worker.model_validate({"type": "audit", "audit": {"storage": storage}})}
            )
        }
    )


def every_variable() -> set[str]:
    return {name for one in (consumer("audit"), in_postgres()) for name in environment(one, CONNECTION)}


def test_every_variable_a_worker_reads_is_set_by_the_operator() -> None:
    # The sinks of a notification worker have a test file of their own.
    told = every_variable() | {"NOTIFICATION_SINKS"}
    assert {name.lower() for name in told} == Settings.model_fields.keys() - {"kind"} - WITHOUT_OPERATOR


def test_the_operator_s_worker_types_are_those_of_the_image() -> None:
    schema = (ROOT / "crds" / "eventconsumers.yaml").read_text()
    spec = yaml.safe_load(schema)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(spec["properties"]["worker"]["properties"]["type"]["enum"]) == set(Kind)


def test_a_resource_can_not_set_what_follows_from_its_other_fields() -> None:
    schema = (ROOT / "crds" / "eventconsumers.yaml").read_text()
    reserved = set(re.findall(r"'([A-Z_]+)'", schema))
    assert reserved == every_variable()


def test_an_audit_log_is_on_the_volume() -> None:
    objects = desired.deployment(consumer("audit"), CONNECTION, Image("workers", "Always"))
    [container] = objects["spec"]["template"]["spec"]["containers"]
    log = Path(str(environment(consumer("audit"), CONNECTION)["AUDIT_LOG_PATH"]))
    assert str(log.parent) in {mount["mountPath"] for mount in container["volumeMounts"]}
