"""Workers as real processes at a real broker, each test with a topic, a group and an audit log of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.integration.workers.postgres_entries import opened
from tests.support.broker_client import BrokerClient
from tests.support.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.kafka import LocalBroker
    from eventconsumer_workers.audit.postgres import PostgresLog


class StartWorker(Protocol):
    """Makes a worker for the test's topic; ``words`` follow on its command line."""

    def __call__(self, kind: str, *words: str, module: str = ..., **environment: str) -> WorkerProcess: ...


class Redrive(Protocol):
    """Runs the redrive command on the test's topic and returns what it prints."""

    def __call__(self, *options: str) -> str: ...


@pytest.fixture(scope="session")
def client(broker: LocalBroker) -> BrokerClient:
    return BrokerClient(broker.bootstrap_servers)


@pytest.fixture
def dead_letter_topic(client: BrokerClient, topic: str) -> str:
    client.create_topic(f"{topic}-dlq")
    return f"{topic}-dlq"


@pytest.fixture
def redrive(client: BrokerClient, topic: str) -> Redrive:
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": client.bootstrap_servers, "KAFKA_TOPIC": topic}

    def run(*options: str) -> str:
        command = [sys.executable, "-m", "eventconsumer_workers", "redrive", *options]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(database: str) -> Iterator[PostgresLog]:
    """Return an audit log in PostgreSQL that may write for three partitions."""
    found = opened(database)
    found.claim(range(3))
    yield found
    found.close()


@pytest.fixture
def worker(broker: LocalBroker, topic: str, audit_log: Path, tmp_path: Path) -> Iterator[StartWorker]:
    """Return a maker of workers; all that it made have ended when the test has."""
    made: list[WorkerProcess] = []

    def make(
        kind: str, *words: str, module: str = "eventconsumer_workers", **environment: str
    ) -> WorkerProcess:
        told = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "KAFKA_TOPIC": topic,
            "KAFKA_GROUP_ID": f"{topic}-{kind}",
            "AUDIT_LOG_PATH": str(audit_log),
            **environment,
        }
        output = tmp_path / f"{kind}-{len(made)}.out"
        made.append(WorkerProcess([kind, *words], told, output, module=module))
        return made[-1]

    yield make
    for process in made:
        process.end()
