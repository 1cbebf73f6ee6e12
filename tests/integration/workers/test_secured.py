"""Workers at a Kafka that asks who comes: let in by certificate and password, through a renewal of either."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.broker_client import BrokerClient
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.secured_kafka import SecuredBroker

USER, PASSWORD, RENEWED = "worker", "correct horse", "battery staple"


@pytest.fixture
def kafka(secured_broker: SecuredBroker) -> BrokerClient:
    return BrokerClient(secured_broker.bootstrap_servers)


@pytest.fixture
def topic(kafka: BrokerClient, request: pytest.FixtureRequest) -> str:
    """Make a topic of the test's own, with one event."""
    name = re.sub(r"[^a-z0-9]+", "-", f"worked-{request.node.name}")
    kafka.create_topic(name)
    kafka.publish(name, [encoded()])
    return name


def told(client: dict[str, str], topic: str) -> dict[str, str]:
    """Return what a worker is told of a client's settings."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": client["bootstrap.servers"],
        "KAFKA_TOPIC": topic,
        "KAFKA_GROUP_ID": topic,
        "KAFKA_SECURITY_PROTOCOL": client["security.protocol"],
        "KAFKA_CA_LOCATION": client["ssl.ca.location"],
    }


@pytest.fixture
def by_certificate(secured_broker: SecuredBroker, topic: str) -> dict[str, str]:
    client = secured_broker.over_tls(USER)
    secured_broker.let_consume(f"CN={USER}", topic, topic)
    return told(client, topic) | {
        "KAFKA_CERTIFICATE_LOCATION": client["ssl.certificate.location"],
        "KAFKA_KEY_LOCATION": client["ssl.key.location"],
    }


@pytest.fixture
def by_password(secured_broker: SecuredBroker, topic: str, tmp_path: Path) -> dict[str, str]:
    client = secured_broker.over_scram(USER, PASSWORD)
    secured_broker.let_consume(USER, topic, topic)
    (tmp_path / "password").write_text(PASSWORD)
    return told(client, topic) | {
        "KAFKA_SASL_MECHANISM": client["sasl.mechanism"],
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
    }


@pytest.fixture(params=["by_certificate", "by_password"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkerProcess]:
    environment: dict[str, str] = request.getfixturevalue(request.param)
    made = WorkerProcess(["notification"], environment, tmp_path / "worker.out").start()
    yield made
    made.end()


def handles(kafka: BrokerClient, topic: str) -> None:
    """See that all events of a topic are handled and committed."""
    ends = kafka.end_offsets(topic)
    eventually("all is committed", lambda: kafka.committed_offsets(topic, topic), until=ends.__eq__)


def test_a_worker_is_let_in_and_handles_what_it_may_read(
    worker: WorkerProcess, kafka: BrokerClient, topic: str
) -> None:
    handles(kafka, topic)
    assert worker.stop() == 0
    assert PASSWORD not in worker.output()


@pytest.mark.parametrize("worker", ["by_password"], indirect=True)
def test_a_renewed_password_ends_the_worker_in_order_and_lets_the_next_one_in(
    worker: WorkerProcess, secured_broker: SecuredBroker, kafka: BrokerClient, topic: str, tmp_path: Path
) -> None:
    handles(kafka, topic)
    secured_broker.over_scram(USER, RENEWED)

    (tmp_path / "password").write_text(RENEWED)

    assert worker.exit_code() == 0
    assert "has left its group" in worker.output()
    kafka.publish(topic, [encoded()])
    worker.start()
    handles(kafka, topic)
