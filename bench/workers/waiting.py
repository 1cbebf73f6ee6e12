"""What concurrency by key brings: a handler that waits 5 ms, on one partition with events about 100 tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import topics
from bench.topics import Topic
from bench.workers.stage import Program

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

_TOPIC = Topic("slow-events", partitions=1, messages=30_000)
_WAITER = Program(
    ["eventconsumer_workers", "custom", "bench.programs.handlers:wait"],
    {"HANDLER_CONCURRENCY": "100"},
    keeps_output=True,
)
_SERIAL = Program(["bench.programs.one_by_one", "wait"])
_RATE, _SERIAL_RATE, _DISORDER = "5 ms handler", "5 ms serial", "out of order"


def prepare(stage: Stage) -> None:
    """Fill the topic."""
    topics.create(stage.bootstrap_servers, _TOPIC)
    topics.fill(stage.bootstrap_servers, _TOPIC, topics.of_a_hundred_tasks)


def play(stage: Stage, samples: Samples) -> None:
    """Measure both; the handler itself tells what came out of its task's order."""
    with stage.running(_WAITER, _TOPIC) as running:
        samples.note(_RATE, stage.committed_rate(running, _TOPIC))
    samples.note(_DISORDER, sum("out of order" in line for line in running.lines()))
    samples.note(_SERIAL_RATE, stage.rate(_SERIAL, _TOPIC))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    disorder = sum(samples.all(_DISORDER))
    rate, serial = samples.median(_RATE), samples.median(_SERIAL_RATE)
    return [
        samples.row(
            f"5 ms handler, 1 partition, 100 keys, vs serial, {disorder:.0f} out of order",
            rate,
            "events/s",
            baseline=serial,
            goal=">= 20x, order per key kept",
            met=rate >= 20 * serial and disorder == 0,
        )
    ]
