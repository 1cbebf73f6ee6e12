"""The API is killed at random moments around commit and publish: no promise is lost, nothing is made up.

Rounds by default are few; `EVENTCONSUMER_KILLS=100` makes the full proof.
"""

from __future__ import annotations

import json
import logging
import operator
import os
import random
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import httpx2
import pytest
from sqlalchemy import NullPool, create_engine, func, select

from dev.server import free_ports
from eventconsumer_api.storage import tables
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually
from tests.support.task_lives import LIFE, TaskLives

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from dev.kafka import LocalBroker

_log = logging.getLogger(__name__)

KILLS = int(os.environ.get("EVENTCONSUMER_KILLS", "3"))


@dataclass(frozen=True)
class Replica:
    """One API process that is always found at the same address."""

    process: ApiProcess
    url: str

    def answers(self) -> bool:
        return httpx2.get(f"{self.url}/healthz").is_success


@dataclass(frozen=True)
class Place:
    """What replicas share."""

    database_url: str
    broker: LocalBroker
    topic: str

    def replica(self, folder: Path) -> Replica:
        folder.mkdir()
        [port] = free_ports(1)
        process = ApiProcess(
            folder,
            bootstrap_servers=self.broker.bootstrap_servers,
            topic=self.topic,
            DATABASE_URL=self.database_url,
            PORT=str(port),
        )
        return Replica(process, f"http://127.0.0.1:{port}")

    def connection(self) -> Connection:
        return create_engine(self.database_url, poolclass=NullPool).connect()

    def stored(self) -> dict[str, int]:
        """Return the version of each task; each version has had one event."""
        with self.connection() as connection:
            found = connection.execute(select(tables.tasks.c.id, tables.tasks.c.version))
            return {str(task_id): version for task_id, version in found}

    def waiting(self) -> int:
        with self.connection() as connection:
            return connection.execute(select(func.count()).select_from(tables.outbox)).scalar_one()

    def published(self) -> dict[str, list[bytes]]:
        """Return the events of each key in the order of the topic."""
        client = BrokerClient(self.broker.bootstrap_servers)
        count = sum(client.end_offsets(self.topic).values())
        found = defaultdict(list)
        for message in client.messages(self.topic, count=count):
            found[(message.key() or b"").decode()].append(message.value() or b"")
        return found


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a new database of the kind that the test names."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tasks.db"
    url: str = request.getfixturevalue("database")
    return url.replace("postgresql://", "postgresql+psycopg://")


def kill_at_random(replicas: list[Replica], lives: TaskLives, seed: int) -> None:
    """Kill one replica after the other while tasks go through them, and start each again."""
    chance = random.Random(seed)  # noqa: S311  # no secret, the same moments each time
    for _ in range(KILLS):
        killed = chance.choice(replicas)
        eventually("it answers", killed.answers, every=0.05)
        then = lives.promised.total()
        eventually("work goes on", lives.promised.total, until=partial(operator.lt, then + 5), every=0.02)
        time.sleep(chance.uniform(0, 0.5))
        killed.process.kill()
        killed.process.start()


def assert_told_once_in_order(
    stored: Mapping[str, int], told: Mapping[str, list[bytes]], promised: Mapping[str, int]
) -> None:
    """Fail where a task's events are not those of its life so far, but for repetitions of the same event."""
    assert set(told) <= set(stored), "events of tasks that were never stored"
    too_few = {task for task, count in promised.items() if stored.get(task, 0) < count}
    assert not too_few, "changes that were answered with 2xx and are not stored"
    for task, version in stored.items():
        # A dictionary keeps the place of an event's first appearance.
        events = {json.loads(value)["event_id"]: value for value in told.get(task, [])}
        assert len(set(told.get(task, []))) == len(events), "an event came in two forms"
        lived = [(event["event_type"], event["data"]["title"]) for event in map(json.loads, events.values())]
        assert lived == list(LIFE[:version])
        assert told[task][-1] == list(events.values())[-1], "the last word is not the last event"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("database_url", "count"),
    [("sqlite", 1), ("postgres", 1), ("postgres", 2)],
    ids=["sqlite", "postgres", "postgres with two replicas"],
    indirect=["database_url"],
)
def test_kills_at_random_moments_lose_no_event_and_keep_each_task_in_order(
    database_url: str, count: int, broker: LocalBroker, topic: str, tmp_path: Path
) -> None:
    place = Place(database_url, broker, topic)
    replicas = [place.replica(tmp_path / f"replica-{number}") for number in range(count)]
    with ExitStack() as running:
        for replica in replicas:
            running.enter_context(replica.process)
        with TaskLives([replica.url for replica in replicas]) as lives:
            kill_at_random(replicas, lives, seed=count)
        eventually("the outbox is empty", place.waiting, until=lambda left: left == 0, within=120)
    stored, told = place.stored(), place.published()
    assert_told_once_in_order(stored, told, lives.promised)
    repeated = sum(map(len, told.values())) - sum(stored.values())
    _log.info("%d kills, %d events, 0 lost, %d repeated", KILLS, sum(stored.values()), repeated)
