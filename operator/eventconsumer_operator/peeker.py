"""Reads the first record from each of some positions on, and joins no group.

The client it needs is made for the first question, and used by one thread at a time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from eventconsumer_operator.records import Peeked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_operator.records import Place

_BYTES = 65536


class Peeker:
    """One connection to one Kafka cluster."""

    def __init__(self, settings: Mapping[str, Any], *, timeout: float) -> None:
        """Use a client's settings; wait half of ``timeout`` seconds for records."""
        self._settings = settings
        self._timeout = timeout
        self._connected: Consumer | None = None

    def close(self) -> None:
        """Give up the connection."""
        if self._connected is not None:
            self._connected.close()

    def peek(self, positions: Mapping[Place, int]) -> Peeked:
        """Return what comes next from each position on; what could not be read in time is absent."""
        peeker = self._consumer()
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

    def _consumer(self) -> Consumer:
        if self._connected is None:
            self._connected = Consumer(
                dict(self._settings)
                | {
                    # Required by the client; without subscribe and commit no group of this name comes to be.
                    "group.id": "eventconsumer-operator",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "fetch.message.max.bytes": _BYTES,
                    "queued.max.messages.kbytes": 1024,
                    "fetch.wait.max.ms": 100,
                }
            )
        return self._connected


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # its public name
