"""What all measurements of the workers' area stand on: one broker, its topics, and programs as processes.

Each program starts in a group of its own. Its rate is read from the group's committed offsets, as any
operator of Kafka sees them: only work that is done and committed counts, and the time to start and to join
does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.topics import Topic
    from dev.postgres import LocalPostgres

_LOOK_SECONDS = 0.02
_LONGEST_SECONDS = 4.0
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A program to measure: the words that start it, and what its environment says besides."""

    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    keeps_output: bool = False
    """Whether what it prints is kept in a file; else it goes to /dev/null."""


@dataclass(frozen=True)
class Running:
    """A process of a program, its group, and the file that holds what it prints."""

    process: subprocess.Popen[bytes]
    group: str
    output: Path

    def lines(self) -> list[str]:
        """Return what the program has printed so far."""
        return self.output.read_text().splitlines()

    def peak_mebibytes(self) -> float:
        """Return the most memory that the process has had (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status") as status:  # noqa: PTH123  # a file of the kernel
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Stage:
    """The broker, the database server, and a folder for files that programs write."""

    bootstrap_servers: str
    postgres: LocalPostgres
    folder: Path

    @contextmanager
    def running(self, program: Program, topic: Topic, *, folder: str | None = None) -> Iterator[Running]:
        """Run a program on a topic in a new group, with a folder of its own, and stop it at the end."""
        group = f"bench-{uuid4()}"
        environment = self._environment(topic, group, folder or group)
        output = self.folder / f"{group}.output"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", *program.command],
                env=environment | program.environment,
                stdout=stream if program.keeps_output else subprocess.DEVNULL,
            )
        try:
            yield Running(process, group, output)
        finally:
            process.terminate()
            process.wait()

    def committed_rate(self, running: Running, topic: Topic, *, longest: float = _LONGEST_SECONDS) -> float:
        """Return the messages a second that a program commits, to the topic's end or for so many seconds."""
        watcher = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": running.group})
        try:
            start, committed = self._until_more_than(watcher, topic, 0)
            now, seen = start, committed
            while seen < topic.messages and now - start < longest:
                now, seen = self._until_more_than(watcher, topic, seen)
        finally:
            watcher.close()
        if seen == committed:
            raise RuntimeError(
                f"{running.group} committed the whole of {topic.name} at once: no rate in that"
            )
        return (seen - committed) / (now - start)

    def rate(self, program: Program, topic: Topic, *, longest: float = _LONGEST_SECONDS) -> float:
        """Return the committed rate of a program that runs only for this."""
        with self.running(program, topic) as running:
            return self.committed_rate(running, topic, longest=longest)

    def printed(self, program: Program, topic: Topic, *, folder: str | None = None) -> float:
        """Return the one figure that a program measures and prints itself."""
        group = f"bench-{uuid4()}"
        environment = self._environment(topic, group, folder or group) | program.environment
        command = [sys.executable, "-m", *program.command]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout.split()[-1])

    def _environment(self, topic: Topic, group: str, folder: str) -> dict[str, str]:
        place = self.folder / folder
        place.mkdir(exist_ok=True)
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "KAFKA_TOPIC": topic.name,
            "KAFKA_GROUP_ID": group,
            "AUDIT_LOG_PATH": str(place / "audit.log"),
            "HEALTH_PORT": "0",
            "BENCH_MESSAGES": str(topic.messages),
        }

    def _until_more_than(self, watcher: Consumer, topic: Topic, count: int) -> tuple[float, int]:
        """Return when the group had committed more than so many messages, and how many."""
        places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while time.perf_counter() < deadline:
            # A group that nobody has joined yet may have no coordinator.
            with suppress(KafkaException):
                seen = sum(
                    place.offset for place in watcher.committed(places, timeout=30) if place.offset > 0
                )
                if seen > count:
                    return time.perf_counter(), seen
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"nothing committed beyond {count} for {_PATIENCE_SECONDS:.0f} s")
