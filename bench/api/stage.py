"""What all measurements of the API's area stand on: a broker, databases, and servers as processes.

A server that several measurements need keeps running from its first use to the end, each with a database and
a topic of its own; idle, it takes nothing from the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench import topics
from bench.topics import Topic
from dev.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from confluent_kafka import Message

    from dev.kafka import LocalBroker
    from dev.postgres import LocalPostgres

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
PARTITIONS = 3
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Program:
    """A program that serves: the words that start it, and its kind of database."""

    module: str
    database: str
    environment: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Place:
    """A database and a topic that belong together, and the environment that names them."""

    database_url: str
    topic: str
    named: dict[str, str]

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a program that works here."""
        return os.environ | self.named


@dataclass
class Server:
    """A program that listens."""

    port: int
    place: Place
    posted: int = 0
    """How many tasks it has created."""


@dataclass
class Stage:
    """The broker, the database server, a folder for files, and the servers that keep running."""

    broker: LocalBroker
    postgres: LocalPostgres
    folder: Path
    servers: ExitStack
    _kept: dict[Program, Server] = field(default_factory=dict)

    def place(self, database: str) -> Place:
        """Return a new database of that kind with a new topic."""
        name = f"bench-{uuid4()}"
        topics.create(
            self.broker.bootstrap_servers,
            Topic(name, PARTITIONS, 0),
            config={"message.timestamp.type": "LogAppendTime"},
        )
        sqlite = f"sqlite:///{self.folder / name}.db"
        url = sqlite if database == SQLITE else self._postgres_database(name)
        named = {
            "DATABASE_URL": url,
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "KAFKA_TOPIC": name,
        }
        return Place(url, name, named)

    def kept(self, program: Program) -> Server:
        """Return the server of a program, which runs until the stage ends."""
        if program not in self._kept:
            place = self.place(program.database)
            self._kept[program] = self.servers.enter_context(self.serving(program, place))
        return self._kept[program]

    @contextmanager
    def serving(self, program: Program, place: Place) -> Iterator[Server]:
        """Run a server on a place, from its first answer on."""
        [port] = free_ports(1)
        listening = {"HOST": "127.0.0.1", "PORT": str(port)}
        with self.running([program.module], place, listening | program.environment) as process:
            _await_answer(process, port)
            yield Server(port, place)

    @contextmanager
    def running(
        self, command: Sequence[str], place: Place, environment: dict[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program on a place, and stop it at the end."""
        with (self.folder / f"{uuid4()}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=place.environment() | (environment or {}),
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    def ends(self, topic: str) -> list[int]:
        """Return where each partition of a topic ends."""
        with self.reader() as reader:
            return _ends(reader, topic)

    def await_events(self, topic: str, count: int) -> list[tuple[float, int]]:
        """Wait until a topic has so many events; return how many it had whenever there were more."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        seen: list[tuple[float, int]] = []
        with self.reader() as reader:
            while not seen or seen[-1][1] < count:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{seen[-1:]} of {count} events came within {_PATIENCE_SECONDS:.0f} s")
                # A broker that was killed leads its partitions a moment after it answers.
                with suppress(KafkaException):
                    found = sum(_ends(reader, topic))
                    if not seen or found > seen[-1][1]:
                        seen.append((time.perf_counter(), found))
                time.sleep(_LOOK_SECONDS)
        return seen

    def messages(self, topic: str, starts: Sequence[int]) -> list[Message]:
        """Return what a topic has from those offsets on."""
        with self.reader() as reader:
            count = sum(_ends(reader, topic)) - sum(starts)
            reader.assign([TopicPartition(topic, number, start) for number, start in enumerate(starts)])
            found: list[Message] = []
            while len(found) < count:
                more = reader.consume(count - len(found), _PATIENCE_SECONDS)
                if not more:
                    raise TimeoutError(f"{len(found)} of {count} messages of {topic} could be read")
                found += more
            return found

    @contextmanager
    def reader(self) -> Iterator[Consumer]:
        """Have a consumer that joins no group."""
        reader = Consumer(
            {
                "bootstrap.servers": self.broker.bootstrap_servers,
                "group.id": f"bench-{uuid4()}",
                "enable.auto.commit": False,
                "log_level": 2,
            }
        )
        try:
            yield reader
        finally:
            reader.close()

    def _postgres_database(self, name: str) -> str:
        return self.postgres.create_database(name).replace("postgresql://", "postgresql+psycopg://")


@dataclass(frozen=True)
class Load:
    """What clients got from a server."""

    rate: float
    """Answers a second that created a task."""
    p50: float
    p99: float
    """Milliseconds."""
    errors: int
    tasks: list[tuple[str, float]]
    """The id of each created task, and when its request left."""


def load(server: Server, *, clients: int, seconds: float, pause: float = 0.0) -> Load:
    """Let a process of its own post tasks to a server."""
    words = [str(server.port), str(clients), str(seconds), str(pause)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.programs.post_clients", *words], check=True, stdout=subprocess.PIPE
    )
    told: dict[str, Any] = json.loads(done.stdout)
    waits = sorted(told["milliseconds"])
    server.posted += len(told["tasks"])
    answers, tasks = len(waits), [(str(task), float(sent)) for task, sent in told["tasks"]]
    return Load(
        rate=len(tasks) / told["seconds"],
        p50=waits[answers // 2],
        p99=waits[answers * 99 // 100],
        errors=answers - len(tasks),
        tasks=tasks,
    )


def _ends(reader: Consumer, topic: str) -> list[int]:
    return [
        reader.get_watermark_offsets(TopicPartition(topic, number), _PATIENCE_SECONDS)[1]
        for number in range(PARTITIONS)
    ]


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
        except (OSError, HTTPException):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not answer") from None
            time.sleep(_LOOK_SECONDS)
        else:
            return
        finally:
            connection.close()
