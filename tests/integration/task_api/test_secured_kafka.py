"""The Task API at a Kafka that asks who comes: let in by certificate and password, also by a renewed one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclOperation,
    ResourceType,
)

from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dev.secured_kafka import SecuredBroker

USER, PASSWORD = "task-api", "correct horse"


@pytest.fixture
def topic(secured_broker: SecuredBroker, request: pytest.FixtureRequest) -> str:
    """Make a topic that the user may write to, however it logs in."""
    name = re.sub(r"[^a-z0-9]+", "-", f"told-{request.node.name}")
    BrokerClient(secured_broker.bootstrap_servers).create_topic(name)
    for principal in (USER, f"CN={USER}"):
        secured_broker.allow(principal, ResourceType.TOPIC, name, AclOperation.WRITE, AclOperation.DESCRIBE)
    return name


def by_certificate(broker: SecuredBroker, _folder: Path) -> dict[str, str]:
    client = broker.over_tls(USER)
    return told(client) | {
        "KAFKA_CERTIFICATE_LOCATION": client["ssl.certificate.location"],
        "KAFKA_KEY_LOCATION": client["ssl.key.location"],
    }


def by_password(broker: SecuredBroker, folder: Path) -> dict[str, str]:
    client = broker.over_scram(USER, PASSWORD)
    (folder / "password").write_text(f"{PASSWORD}\n")
    return told(client) | {
        "KAFKA_SASL_MECHANISM": client["sasl.mechanism"],
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD_FILE": str(folder / "password"),
    }


def told(client: dict[str, str]) -> dict[str, str]:
    return {
        "bootstrap_servers": client["bootstrap.servers"],
        "KAFKA_SECURITY_PROTOCOL": client["security.protocol"],
        "KAFKA_CA_LOCATION": client["ssl.ca.location"],
    }


def arrives(broker: SecuredBroker, topic: str) -> None:
    ends = BrokerClient(broker.bootstrap_servers).end_offsets
    eventually("the event is in the topic", lambda: sum(ends(topic).values()) == 1, within=60)


@pytest.mark.parametrize("way", [by_certificate, by_password])
def test_it_is_let_in_and_publishes(
    secured_broker: SecuredBroker,
    topic: str,
    tmp_path: Path,
    way: Callable[[SecuredBroker, Path], dict[str, str]],
) -> None:
    with ApiProcess(tmp_path, topic=topic, **way(secured_broker, tmp_path)) as api:
        httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, timeout=30).raise_for_status()
        arrives(secured_broker, topic)
        assert PASSWORD not in api.terminate()


def test_what_waited_for_a_renewed_password_goes_out_without_a_restart(
    secured_broker: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    environment = by_password(secured_broker, tmp_path)
    (tmp_path / "password").write_text("of yesterday")
    with ApiProcess(tmp_path, topic=topic, **environment) as api:
        httpx2.post(f"{api.url}/tasks", json={"title": "Buy groceries"}, timeout=30).raise_for_status()
        assert sum(BrokerClient(secured_broker.bootstrap_servers).end_offsets(topic).values()) == 0
        (tmp_path / "password").write_text(PASSWORD)
        arrives(secured_broker, topic)
