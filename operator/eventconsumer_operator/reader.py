"""The operator as a consumer: it peeks at the next record of a position, and visits a group to renew it.

Neither moves a position: nothing is ever committed, and peeking joins no group. Both wait, so each runs in a
thread of its own, and only one peek at a time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from eventconsumer_operator.records import Peeked

if TYPE_CHECKING:
    from eventconsumer_operator.records import Place

_PEEK_BYTES = 65536


class Reader:
    """One cluster's records and groups, as a consumer meets them."""

    def __init__(self, settings: dict[str, Any], *, timeout: float) -> None:
        """Use the connection settings of the cluster; nothing is sent before it is needed."""
        self._settings = settings
        self._timeout = timeout
        self._peeker: Consumer | None = None

    def close(self) -> None:
        """Give up the connection."""
        if self._peeker is not None:
            self._peeker.close()

    def visit(self, group: str, topic: str) -> bool:
        """Join a group, commit nothing, and leave it; return whether it could be joined in time."""
        joined: list[bool] = []
        visitor = Consumer(
            self._settings
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # As the workers have it, so that one that comes meanwhile is let in.
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "fetch.message.max.bytes": _PEEK_BYTES,
            }
        )
        deadline = time.monotonic() + 2 * self._timeout
        try:
            visitor.subscribe([topic], on_assign=lambda *_: joined.append(True))
            while not joined and time.monotonic() < deadline:
                visitor.poll(0.1)
        finally:
            visitor.close()
        return bool(joined)

    def peek(self, positions: dict[Place, int]) -> Peeked:
        """Return what comes next from each position on; what could not be read in time is absent."""
        peeker = self._peeking()
        peeker.assign(
            [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        )
        found = Peeked()
        deadline = time.monotonic() + self._timeout / 2
        try:
            while (
                positions.keys() - found.written_at.keys() - found.ended.keys()
                and (left := deadline - time.monotonic()) > 0
            ):
                message = peeker.poll(min(left, 0.2))
                if message is None:
                    continue
                place = (str(message.topic()), int(message.partition() or 0))
                if _is_end(message):
                    # Also reached after the first record: only an end without any record says something.
                    if place not in found.written_at:
                        found.ended[place] = message.offset() or 0
                elif message.error() is None and place not in found.written_at:
                    found.written_at[place] = message.timestamp()[1] / 1000
                    peeker.pause([TopicPartition(*place)])
        finally:
            # A pause outlives the assignment, and would silence the partition's next read.
            peeker.resume([TopicPartition(*place) for place in found.written_at])
            peeker.unassign()
        return found

    def _peeking(self) -> Consumer:
        if self._peeker is None:
            self._peeker = Consumer(
                self._settings
                | {
                    # Required by the client; without subscribe and commit no group of this name comes to be.
                    "group.id": self._settings["client.id"],
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "fetch.message.max.bytes": _PEEK_BYTES,
                    "queued.max.messages.kbytes": 1024,
                    "fetch.wait.max.ms": 100,
                }
            )
        return self._peeker


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # its public name
