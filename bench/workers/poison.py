"""What bad messages cost: a topic of which one in a hundred messages is none, against one without any.

Both are as long as the backlog: a shorter topic ends before the first dead letters are acknowledged, and
would measure how soon that is. And both are read once right before they are measured: the backlog is read by
many parts of a round and lies in memory, where the other would come from the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

from bench import topics
from bench.topics import Topic
from bench.workers.draining import BACKLOG, BARE, NO_OP

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

_MESSAGES = BACKLOG.messages
_POISONED = Topic("poisoned-events", partitions=3, messages=_MESSAGES)
_WHOLE_SECONDS = 60.0
"""Long enough to see the end of the topic, since every bad message is counted."""
_RATE, _CLEAN_RATE, _LOST = "1 % poison", "clean", "poison lost"


def prepare(stage: Stage) -> None:
    """Fill the topic with bad messages; the clean one is the backlog."""
    topics.create(stage.bootstrap_servers, _POISONED)
    topics.fill(stage.bootstrap_servers, _POISONED, topics.one_of_a_hundred_is_poison)


def play(stage: Stage, samples: Samples) -> None:
    """Drain both, and hold the dead letters against the bad messages."""
    for topic in (BACKLOG, _POISONED):
        stage.printed(BARE, topic)
    samples.note(_CLEAN_RATE, stage.rate(NO_OP, BACKLOG, longest=_WHOLE_SECONDS))
    before = _dead_letters(stage)
    samples.note(_RATE, stage.rate(NO_OP, _POISONED, longest=_WHOLE_SECONDS))
    samples.note(_LOST, _MESSAGES // 100 - (_dead_letters(stage) - before))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    lost = sum(samples.all(_LOST))
    rate, clean = samples.median(_RATE), samples.median(_CLEAN_RATE)
    return [
        samples.row(
            f"notification with 1 % poison vs clean, {lost:.0f} dead letters missing",
            rate,
            "events/s",
            baseline=clean,
            goal=">= 90 %, 0 lost",
            met=rate >= 0.9 * clean and lost == 0,
        )
    ]


def _dead_letters(stage: Stage) -> int:
    consumer = Consumer({"bootstrap.servers": stage.bootstrap_servers, "group.id": "bench-counts"})
    _, high = consumer.get_watermark_offsets(TopicPartition(_POISONED.dead_letters.name, 0), timeout=30)
    consumer.close()
    return int(high)
