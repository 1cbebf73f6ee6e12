"""What librdkafka is told beside where Kafka is: why each setting differs from the client's default.

Invariant: nothing is committed by itself. What the client repeats by itself the dead-letter topic has once; a
letter that a new producer sends again, because nobody knows what became of it, may be there twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.credentials import client_config

if TYPE_CHECKING:
    from eventconsumer_workers.config import Settings

_DEAD_LETTER_SECONDS = 5.0
_LONGEST_HEARTBEAT_MS = 3000


def consumer_config(settings: Settings) -> dict[str, str | int | bool]:
    """Return librdkafka's settings for a worker's consumer."""
    return {
        **client_config(settings),
        "group.id": settings.kafka_group_id,
        "auto.offset.reset": settings.kafka_auto_offset_reset,
        "enable.auto.commit": False,
        # A broker that is being replaced swallows connections; the default waits half a minute for each.
        "socket.connection.setup.timeout.ms": 10_000,
        **_membership(settings),
        # The default pauses a full second whenever the prefetch queue is full: the main brake on a backlog.
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": settings.kafka_fetch_ahead_kbytes,
        # New partitions and a topic that is created late are noticed within this time.
        "topic.metadata.refresh.interval.ms": 30_000,
    }


def producer_config(settings: Settings, *, alone: bool = False) -> dict[str, str | int | bool]:
    """Return librdkafka's settings for a producer of dead letters; ``alone`` sends each by itself."""
    return {
        **client_config(settings),
        "enable.idempotence": True,
        "delivery.timeout.ms": int(_DEAD_LETTER_SECONDS * 1000),
        # A message near the broker's limit must not pass it by the headers that are added to it.
        "compression.type": "zstd",
        "message.max.bytes": 64 * 1024 * 1024,
        # Letters are open until they are acknowledged: this bounds how many bytes of them wait.
        "queue.buffering.max.kbytes": 64 * 1024,
        # In a flood of bad messages each request costs the broker more than the letters in it, and no letter
        # is needed before the next commit.
        "linger.ms": 25,
        **({"batch.num.messages": 1} if alone else {}),
    }


def _membership(settings: Settings) -> dict[str, str | int | bool]:
    if settings.group_protocol == "consumer":
        # The broker says how members share and how long a silent one is waited for.
        return {"group.protocol": "consumer"}
    return {
        # Only the partitions that move stop, and only for the move.
        "partition.assignment.strategy": "cooperative-sticky",
        # A killed worker's partitions wait this long for a new owner.
        "session.timeout.ms": 1000 * settings.group_session_seconds,
        # Members hear of a rebalance with it, and who leaves meanwhile waits seconds for its last commit.
        "heartbeat.interval.ms": min(_LONGEST_HEARTBEAT_MS, 300 * settings.group_session_seconds),
    }
