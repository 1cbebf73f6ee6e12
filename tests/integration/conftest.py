"""One real broker and one real PostgreSQL for the whole run; fresh topics and databases for every test."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from dev.kafka import LocalBroker
from dev.postgres import LocalPostgres
from dev.registry import LocalRegistry
from dev.secured_kafka import SecuredBroker
from tests.support.topics import create_topic

if TYPE_CHECKING:
    from collections.abc import Iterator


class MakeTopic(Protocol):
    """Creates a topic of a fresh name and returns that name."""

    def __call__(self, partitions: int = 3) -> str: ...


@pytest.fixture(scope="session")
def broker() -> Iterator[LocalBroker]:
    with LocalBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def secured_broker() -> Iterator[SecuredBroker]:
    with SecuredBroker() as broker:
        yield broker


@pytest.fixture
def make_topic(broker: LocalBroker) -> MakeTopic:
    """Create topics on the run's broker, which runs again whatever the test before did to it."""
    broker.resume()
    broker.start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})

    def make(partitions: int = 3) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        create_topic(admin, NewTopic(name, partitions, 1))
        return name

    return make


@pytest.fixture
def topic(make_topic: MakeTopic) -> str:
    """Create a topic with 3 partitions."""
    return make_topic()


@pytest.fixture(scope="session")
def _registry() -> Iterator[LocalRegistry]:
    with LocalRegistry() as registry:
        yield registry


@pytest.fixture
def registry(_registry: LocalRegistry) -> LocalRegistry:
    """Return the run's schema registry, which runs again whatever the test before did to it."""
    _registry.resume()
    _registry.start()
    return _registry


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    with LocalPostgres() as postgres:
        yield postgres


@pytest.fixture
def database(postgres: LocalPostgres) -> str:
    """Create a database on the run's server, which runs again, and return its address."""
    postgres.start()
    return postgres.create_database(f"test_{uuid.uuid4().hex[:12]}")
