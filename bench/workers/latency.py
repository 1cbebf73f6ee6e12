"""How long an event waits for its handler at 20 events a second, against a bare `poll()` that reads the same.

Both follow a new topic at once, each in a group of its own, so what disturbs one disturbs the other.
"""

from __future__ import annotations

import time
from statistics import quantiles
from typing import TYPE_CHECKING
from uuid import uuid4

from confluent_kafka import Producer

from bench import topics
from bench.topics import Topic
from bench.workers.stage import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Running, Stage

_EVENTS = 200
_PAUSE_SECONDS = 1 / 20
_PATIENCE_SECONDS = 60.0
_ALLOWED_MILLISECONDS = 5
_OURS, _BARE = "latency p99 ms", "bare poll() p99 ms"
_WORKER = Program(["eventconsumer_workers", "custom", "bench.programs.handlers:clock"], keeps_output=True)
_POLLER = Program(["bench.programs.poller"], keeps_output=True)


def play(stage: Stage, samples: Samples) -> None:
    """Send events slowly and ask both how old each one was."""
    topic = Topic(f"latency-{uuid4()}", partitions=3, messages=_EVENTS)
    topics.create(stage.bootstrap_servers, topic)
    producer = Producer({"bootstrap.servers": stage.bootstrap_servers, "linger.ms": 0})
    with stage.running(_WORKER, topic) as worker, stage.running(_POLLER, topic) as poller:
        sent = _until_both_read(producer, topic, (worker, poller))
        for _ in range(_EVENTS):
            _send(producer, topic)
            time.sleep(_PAUSE_SECONDS)
        for name, running in ((_OURS, worker), (_BARE, poller)):
            samples.note(name, quantiles(_ages(running, sent + _EVENTS)[sent:], n=100)[98])


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    ours, bare = samples.median(_OURS), samples.median(_BARE)
    return [
        samples.row(
            "latency at 20 events/s, p99, vs bare poll()",
            ours,
            "ms",
            baseline=bare,
            goal=f"<= bare + {_ALLOWED_MILLISECONDS} ms",
            met=ours <= bare + _ALLOWED_MILLISECONDS,
        )
    ]


def _send(producer: Producer, topic: Topic) -> None:
    value = topics.event("task.created", str(uuid4()), title=str(time.time_ns()))
    producer.produce(topic.name, value=value, key=str(uuid4()))
    producer.poll(0)


def _until_both_read(producer: Producer, topic: Topic, readers: Sequence[Running]) -> int:
    """Send events until both have read one, and return how many that took."""
    sent = 0
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        _send(producer, topic)
        sent += 1
        time.sleep(0.2)
        if all(_found(reader) for reader in readers):
            return sent
    raise TimeoutError(f"not both readers had an event within {_PATIENCE_SECONDS:.0f} s")


def _ages(running: Running, count: int) -> list[float]:
    """Wait until so many events were read, and return how many milliseconds old each was."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(found := _found(running)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(found)} of {count} events were read")
        time.sleep(0.1)
    return found


def _found(running: Running) -> list[float]:
    return [float(line.partition(" ")[2]) for line in running.lines() if line.startswith("age ")]
