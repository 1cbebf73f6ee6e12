"""Topics and consumer groups with a known lag, which grows, falls and trembles as the benchmark says."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

PARTITIONS = 12
_TOPICS = 20
_LAG = 100
_TREMBLE = 2
_STEP = 2 * _TREMBLE
"""Fewer would let a committed offset go back; more would be no noise, between a write and its commits."""
TREMBLE_SECONDS = 5.0
"""How long after another the lags are meant to tremble."""
SETTLING_SECONDS = TREMBLE_SECONDS * _LAG / _STEP
"""After how long all that is unread was written by trembling: then the oldest of it becomes no older."""
_IN_FLIGHT = 50
_SECONDS = 60.0


@dataclass(frozen=True)
class Member:
    """One EventConsumer of a fleet: its name, which is its group's as well, and its topic."""

    name: str
    topic: str


def members(count: int, prefix: str) -> list[Member]:
    """Return so many consumers, spread over the topics."""
    return [Member(f"{prefix}-{number:04}", f"load-{number % _TOPICS}") for number in range(count)]


class Load:
    """The topics and how far they are written; the groups have no members, only committed offsets."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20})
        self._end = 0
        # The benchmark wants the same noise each time; nothing is protected by it.
        self._random = random.Random(4)  # noqa: S311

    def make(self) -> None:
        """Make the topics, and let a first commit bring about the broker's own topic of offsets."""
        topics = [NewTopic(f"load-{number}", PARTITIONS, 1) for number in range(_TOPICS)]
        for made in self._admin.create_topics(topics).values():
            made.result(_SECONDS)
        first = Consumer({"bootstrap.servers": self._bootstrap_servers, "group.id": "load"})
        first.commit(offsets=[TopicPartition("load-0", 0, 0)], asynchronous=False)
        first.close()

    def read_all(self, fleet: list[Member]) -> None:
        """Let every group have read everything: lag 0."""
        self._commit(fleet, lambda: 0)

    def fall_behind(self) -> None:
        """Let everybody be a hundred records behind in each partition."""
        self._write(_LAG)

    def tremble(self, fleet: list[Member]) -> None:
        """Write some records and let each group read about as many.

        Its lag is between 98 and 106 at every moment, also after the write and before the commit: within five
        per cent.
        """
        self._write(_STEP)
        self._commit(fleet, lambda: _LAG + self._random.randint(-_TREMBLE, _TREMBLE))

    def _write(self, records: int) -> None:
        for topic in range(_TOPICS):
            for partition in range(PARTITIONS):
                for _ in range(records):
                    self._producer.produce(f"load-{topic}", b"x" * 100, partition=partition)
            self._producer.poll(0)
        self._producer.flush(_SECONDS)
        self._end += records

    def _commit(self, fleet: list[Member], lag: Callable[[], int]) -> None:
        for first in range(0, len(fleet), _IN_FLIGHT):
            asked = [self._asked(member, lag) for member in fleet[first : first + _IN_FLIGHT]]
            for answer in asked:
                for done in answer.values():
                    done.result(_SECONDS)

    def _asked(self, member: Member, lag: Callable[[], int]) -> dict[str, Future[Any]]:
        offset = self._end - lag()
        places = [TopicPartition(member.topic, one, offset) for one in range(PARTITIONS)]
        return self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(member.name, places)], request_timeout=_SECONDS
        )
