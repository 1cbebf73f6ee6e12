"""Visits a consumer group for a moment, which renews it: Kafka counts from when its last member left.

Nobody's position moves: the visitor commits nothing. It has the workers' way of sharing partitions, so that a
worker that comes meanwhile is let in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer

if TYPE_CHECKING:
    from collections.abc import Mapping


def visit(settings: Mapping[str, Any], group: str, topic: str, *, timeout: float) -> bool:
    """Join a group and leave it; return whether it let us in within ``timeout`` seconds."""
    joined: list[bool] = []
    visitor = Consumer(
        dict(settings)
        | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "fetch.message.max.bytes": 65536,
        }
    )
    deadline = time.monotonic() + timeout
    try:
        visitor.subscribe([topic], on_assign=lambda *_: joined.append(True))
        while not joined and time.monotonic() < deadline:
            visitor.poll(0.1)
    finally:
        visitor.close()
    return bool(joined)
