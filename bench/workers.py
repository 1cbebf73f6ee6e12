"""The workers' area: how fast the real worker processes drain a backlog.

Each program starts as a process in a group of its own on the same topic. Its rate is read from the group's
committed offsets, as any operator of Kafka sees them: only work that is done and committed counts, and the
time to start and to join does not. All of them write their log lines to /dev/null.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.table import Row
from dev.kafka import LocalBroker
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOPIC = "task-events"
_PARTITIONS = 3
_MESSAGES = 1_000_000
_LOOK_SECONDS = 0.02
_LONGEST_SECONDS = 5.0
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A program to measure, and the words that start it."""

    name: str
    command: Sequence[str]


_NOTIFICATION = Program("notification worker", ["eventconsumer_workers", "notification"])
_AUDIT = Program("audit worker", ["eventconsumer_workers", "audit"])
_PLAIN_NOTIFICATION = Program("plain notification", ["bench.programs.one_by_one", "notification"])
_PLAIN_AUDIT = Program("plain audit", ["bench.programs.one_by_one", "audit"])
_BARE = Program("bare consume(500)", ["bench.programs.bare"])


def rows(rounds: int) -> list[Row]:
    """Measure the workers, the plain loops and the bare consumer in turns."""
    with LocalBroker() as broker, tempfile.TemporaryDirectory() as folder:
        with step(f"{_MESSAGES:,} events into {_TOPIC}"):
            fill(broker.bootstrap_servers)
        bench = _Bench(broker.bootstrap_servers, Path(folder))
        rates: dict[str, list[float]] = {}
        for number in range(1, rounds + 1):
            for program in (_NOTIFICATION, _PLAIN_NOTIFICATION, _AUDIT, _PLAIN_AUDIT):
                rates.setdefault(program.name, []).append(bench.committed_rate(program))
            rates.setdefault(_BARE.name, []).append(bench.own_rate(_BARE))
            say(
                f"  round {number}: "
                + ", ".join(f"{name} {found[-1]:,.0f}/s" for name, found in rates.items())
            )
    rate = {name: median(found) for name, found in rates.items()}
    return [
        _row(
            "notification worker, log lines to /dev/null, vs one-by-one loop",
            rate[_NOTIFICATION.name],
            rate[_PLAIN_NOTIFICATION.name],
            100,
        ),
        _row(
            "notification worker, log lines to /dev/null, vs bare consume(500)",
            rate[_NOTIFICATION.name],
            rate[_BARE.name],
            0.5,
        ),
        _row(
            "audit worker, fdatasync before commit, vs one-by-one loop with fsync",
            rate[_AUDIT.name],
            rate[_PLAIN_AUDIT.name],
            50,
        ),
    ]


def fill(bootstrap_servers: str) -> None:
    """Create the topic and put the backlog into it."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(_TOPIC, _PARTITIONS, 1)])[_TOPIC].result(30)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 50, "batch.size": 1_000_000})
    kinds = ("task.created", "task.completed")
    for number in range(_MESSAGES):
        task_id = str(uuid4())
        while True:
            try:
                producer.produce(_TOPIC, value=_event(kinds[number % 2], task_id), key=task_id)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def _event(kind: str, task_id: str) -> bytes:
    data = {"task_id": task_id, "title": "Write the capstone lesson", "status": "pending", "owner_id": None}
    return json.dumps(
        {
            "event_type": kind,
            "data": data,
            "metadata": {"correlation_id": task_id, "source": "task-api"},
            "event_id": str(uuid4()),
            "occurred_at": "2026-01-15T10:30:00.000000+00:00",
        }
    ).encode()


class _Bench:
    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "KAFKA_TOPIC": _TOPIC,
            "HEALTH_PORT": "0",
            "BENCH_MESSAGES": str(_MESSAGES),
        }

    def committed_rate(self, program: Program) -> float:
        """Return the messages a second that a program commits, for a few seconds or until the topic's end."""
        group = f"bench-{uuid4()}"
        log = self._folder / f"{group}.log"
        environment = {**self._environment, "KAFKA_GROUP_ID": group, "AUDIT_LOG_PATH": str(log)}
        process = subprocess.Popen(
            [sys.executable, "-m", *program.command], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            return self._watch(group)
        finally:
            process.terminate()
            process.wait()
            log.unlink(missing_ok=True)

    def own_rate(self, program: Program) -> float:
        """Return the rate that a program measures and prints itself."""
        environment = {**self._environment, "KAFKA_GROUP_ID": f"bench-{uuid4()}"}
        command = [sys.executable, "-m", *program.command]
        return float(
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        )

    def _watch(self, group: str) -> float:
        watcher = Consumer(
            {"bootstrap.servers": self._environment["KAFKA_BOOTSTRAP_SERVERS"], "group.id": group}
        )
        try:
            start, committed = _until_more_than(watcher, 0)
            now, seen = start, committed
            while seen < _MESSAGES and now - start < _LONGEST_SECONDS:
                now, seen = _until_more_than(watcher, seen)
        finally:
            watcher.close()
        return (seen - committed) / (now - start)


def _until_more_than(watcher: Consumer, count: int) -> tuple[float, int]:
    """Return when the group had committed more than so many messages, and how many."""
    places = [TopicPartition(_TOPIC, partition) for partition in range(_PARTITIONS)]
    deadline = time.perf_counter() + _PATIENCE_SECONDS
    while time.perf_counter() < deadline:
        seen = sum(place.offset for place in watcher.committed(places, timeout=30) if place.offset > 0)
        if seen > count:
            return time.perf_counter(), seen
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"nothing committed beyond {count} for {_PATIENCE_SECONDS:.0f} s")


def _row(name: str, value: float, baseline: float, goal: float) -> Row:
    ratio = value / baseline
    return Row(
        "workers",
        name,
        round(value),
        "events/s",
        round(baseline),
        round(ratio, 2),
        f">= {goal:g}x",
        ratio >= goal,
    )
